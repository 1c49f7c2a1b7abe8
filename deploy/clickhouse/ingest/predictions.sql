-- What else is kept of each prediction as it lands. It goes and comes back with the ingest, while nothing lands.
-- `row` is read by services/experiment-stats/src/units/exposure.ts: one column instead of twelve, since what is read of
-- a unit lies scattered, and each column would be looked up by itself.
DROP VIEW IF EXISTS slipway.unit_exposures_ingest SYNC
---
CREATE MATERIALIZED VIEW slipway.unit_exposures_ingest TO slipway.unit_exposures AS
SELECT endpoint, rollout_id, unit, arrived_at, lower(hex(sipHash64(request_id))) AS request,
    arrived_at - toIntervalMicrosecond(latency_us) + toIntervalMicrosecond(settled_us) AS settled_at,
    arrayStringConcat([
        lower(hex(sipHash64(event_id))), request, toString(toUnixTimestamp64Milli(arrived_at)),
        toString(toUnixTimestamp64Micro(settled_at)), toString(toUnixTimestamp64Milli(time)), toString(step),
        toString(toInt64(round(probability * 1e9))), toString(latency_us),
        toString(
            (status >= 400 OR fallback_from != '' OR error_code = 'late')
            + 2 * (fallback_from != '' AND served_version = '') + 4 * (reason = 'ejected')),
        toString(kafka_partition), toString(kafka_offset), assigned_arm], ' ') AS row,
    outputs, kafka_partition, kafka_offset
FROM slipway.predictions
WHERE rollout_id != '' AND reason IN ('randomised', 'ejected')
COMMENT 'Keeps exposures by unit, for the looks'

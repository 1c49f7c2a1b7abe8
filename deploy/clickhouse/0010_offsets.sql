-- Where each row's record lies in Kafka: a look names the offsets that it has seen, so that its verdict can be rebuilt
-- from the same rows. Of two arrivals in one millisecond the one with the lower offset wins: the time is in
-- the upper half of the version, the offset in the lower, both inverted.
ALTER TABLE slipway.predictions
    ADD COLUMN IF NOT EXISTS kafka_partition UInt32 COMMENT 'where its record lies: what a look has seen is a prefix of every partition' AFTER sequence,
    ADD COLUMN IF NOT EXISTS kafka_offset UInt64 AFTER kafka_partition
---
ALTER TABLE slipway.outcomes
    ADD COLUMN IF NOT EXISTS kafka_partition UInt32 COMMENT 'where its record lies: what a look has seen is a prefix of every partition' AFTER request_id,
    ADD COLUMN IF NOT EXISTS kafka_offset UInt64 AFTER kafka_partition
---
ALTER TABLE slipway.predictions_ingest MODIFY QUERY
SELECT
    id AS event_id, fromUnixTimestamp64Milli(row.2) AS time, arrived AS arrived_at, row.3 AS source, row.4 AS request_id, row.5 AS endpoint,
    row.6 AS rollout_id, if(row.6 = '', -1, row.7) AS step, row.8 AS route_revision, row.9 AS unit, row.10 AS assigned_arm, row.11 AS probability, row.12 AS reason,
    row.13 AS served_version, row.14 AS fallback_from, row.15 AS status, row.16 AS error_code, row.17 AS latency_us, row.18 AS queue_us, row.19 AS compute_us,
    row.20 AS batch_size, row.21 AS price, JSONExtractRaw(line, 'request') AS request, JSONExtractRaw(line, 'response') AS response,
    mapFromArrays(arrayMap(o -> JSONExtractString(o, 'name'), outs), arrayMap(o -> trim(BOTH '"' FROM JSONExtractRaw(o, 'data', 1)), outs)) AS outputs,
    row.25 AS shadow_rollout_id, if(row.25 = '', -1, row.26) AS shadow_step, row.27 AS trace_id,
    row.22 AS router, row.23 AS boot, row.24 AS sequence,
    toUInt32(_partition) AS kafka_partition, _offset AS kafka_offset,
    bitOr(bitShiftLeft(toUInt128(bitNot(toUInt64(toUnixTimestamp64Milli(arrived)))), 64), toUInt128(bitNot(toUInt64(_offset)))) AS version
FROM
(
    SELECT line, _partition, _offset, coalesce(_timestamp_ms, now64(3)) AS arrived, if(JSONExtractString(line, 'event_id') != '', JSONExtractString(line, 'event_id'), _headers.value[indexOf(_headers.name, 'ce_id')]) AS id,
        JSONExtract(line, 'Tuple(event_id String, time Int64, source String, request_id String, endpoint String, rollout_id String, step Int16, route_revision String, unit String, assigned_arm String, probability Float64, reason String, served_version String, fallback_from String, status UInt16, error_code String, latency_us UInt64, queue_us UInt64, compute_us UInt64, batch_size UInt32, price Float64, router String, boot String, sequence UInt64, shadow_rollout_id String, shadow_step Int16, trace_id String)') AS row,
        JSONExtractArrayRaw(line, 'response', 'outputs') AS outs
    FROM slipway.predictions_queue
    WHERE line != '' AND slipway_prediction_refusal(line, coalesce(_timestamp_ms, now64(3)), id) = ''
)
---
ALTER TABLE slipway.outcomes_ingest MODIFY QUERY
SELECT
    id AS event_id, fromUnixTimestamp64Milli(row.2) AS time, arrived AS arrived_at, row.3 AS source, row.4 AS endpoint, row.5 AS name,
    if(JSONType(line, 'value') = 'String', JSONExtractString(line, 'value'), JSONExtractRaw(line, 'value')) AS value,
    if(JSONType(line, 'value') = 'Bool', toFloat64(JSONExtractBool(line, 'value')), if(JSONType(line, 'value') = 'String', NULL, JSONExtractFloat(line, 'value'))) AS number,
    row.6 AS unit, row.7 AS request_id,
    toUInt32(_partition) AS kafka_partition, _offset AS kafka_offset,
    bitOr(bitShiftLeft(toUInt128(bitNot(toUInt64(toUnixTimestamp64Milli(arrived)))), 64), toUInt128(bitNot(toUInt64(_offset)))) AS version
FROM
(
    SELECT line, _partition, _offset, coalesce(_timestamp_ms, now64(3)) AS arrived, if(JSONExtractString(line, 'event_id') != '', JSONExtractString(line, 'event_id'), _headers.value[indexOf(_headers.name, 'ce_id')]) AS id,
        JSONExtract(line, 'Tuple(event_id String, time Int64, source String, endpoint String, name String, unit String, request_id String)') AS row
    FROM slipway.outcomes_queue
    WHERE line != '' AND slipway_outcome_refusal(line, coalesce(_timestamp_ms, now64(3)), id) = ''
)

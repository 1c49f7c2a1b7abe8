-- What else is kept of each outcome as it lands. It goes and comes back with the ingest, while nothing lands.
DROP VIEW IF EXISTS slipway.unit_outcomes_ingest SYNC
---
CREATE MATERIALIZED VIEW slipway.unit_outcomes_ingest TO slipway.unit_outcomes AS
SELECT endpoint, name, if(unit != '', concat('u', unit), concat('r', lower(hex(sipHash64(request_id))))) AS about,
    arrived_at, event_id, time, value, number, kafka_partition, kafka_offset
FROM slipway.outcomes
COMMENT 'Keeps outcomes by unit or request, for the looks'

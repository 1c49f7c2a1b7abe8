-- Events of others: CloudEvents 1.0 in binary mode, where the header ce_id stands in for a missing event_id. And what
-- the shadow and the trace of a request need.
ALTER TABLE slipway.predictions
    ADD COLUMN IF NOT EXISTS shadow_rollout_id LowCardinality(String) COMMENT 'the rollout whose shadow sampled this request' AFTER outputs,
    ADD COLUMN IF NOT EXISTS shadow_step Int16 DEFAULT -1 AFTER shadow_rollout_id,
    ADD COLUMN IF NOT EXISTS trace_id String COMMENT 'W3C trace id' AFTER shadow_step
---
CREATE OR REPLACE FUNCTION slipway_prediction_refusal AS (line, arrived, id) -> multiIf(
    NOT isValidJSON(line), 'not JSON',
    JSONType(line) != 'Object', 'not a JSON object',
    id = '', 'event_id: missing or not a string, and no ce_id in the headers',
    JSONExtractString(line, 'request_id') = '', 'request_id: missing or not a string',
    JSONExtractString(line, 'endpoint') = '', 'endpoint: missing or not a string',
    JSONExtractString(line, 'assigned_arm') NOT IN ('control', 'candidate'), 'assigned_arm: must be control or candidate',
    JSONExtractString(line, 'reason') NOT IN ('randomised', 'forced', 'rule', 'no_unit', 'lease_expired', 'ejected'), 'reason: not one of the known reasons',
    JSONType(line, 'probability') NOT IN ('Double', 'Int64', 'UInt64') OR JSONExtractFloat(line, 'probability') < 0 OR JSONExtractFloat(line, 'probability') > 1, 'probability: must be a number from 0 to 1',
    JSONType(line, 'status') NOT IN ('Int64', 'UInt64') OR JSONExtractInt(line, 'status') NOT BETWEEN 100 AND 599, 'status: must be an HTTP status',
    JSONType(line, 'time') NOT IN ('Int64', 'UInt64'), 'time: must be milliseconds since the epoch',
    abs(JSONExtractInt(line, 'time') - toUnixTimestamp64Milli(arrived)) > 35 * 86400000, 'time: implausible (over 35 days from its arrival)',
    '')
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
    toUInt64(9000000000000000000 - toUnixTimestamp64Milli(arrived)) AS version
FROM
(
    SELECT line, coalesce(_timestamp_ms, now64(3)) AS arrived, if(JSONExtractString(line, 'event_id') != '', JSONExtractString(line, 'event_id'), _headers.value[indexOf(_headers.name, 'ce_id')]) AS id,
        JSONExtract(line, 'Tuple(event_id String, time Int64, source String, request_id String, endpoint String, rollout_id String, step Int16, route_revision String, unit String, assigned_arm String, probability Float64, reason String, served_version String, fallback_from String, status UInt16, error_code String, latency_us UInt64, queue_us UInt64, compute_us UInt64, batch_size UInt32, price Float64, router String, boot String, sequence UInt64, shadow_rollout_id String, shadow_step Int16, trace_id String)') AS row,
        JSONExtractArrayRaw(line, 'response', 'outputs') AS outs
    FROM slipway.predictions_queue
    WHERE line != '' AND slipway_prediction_refusal(line, coalesce(_timestamp_ms, now64(3)), id) = ''
)
---
ALTER TABLE slipway.predictions_refused MODIFY QUERY
SELECT lower(hex(SHA256(line))) AS event_id, arrived AS arrived_at, 'clickhouse' AS consumer, _topic AS topic, toUInt32(_partition) AS partition, _offset AS `offset`, refusal AS reason, line AS raw
FROM
(
    SELECT line, coalesce(_timestamp_ms, now64(3)) AS arrived, _topic, _partition, _offset, slipway_prediction_refusal(line, coalesce(_timestamp_ms, now64(3)), if(JSONExtractString(line, 'event_id') != '', JSONExtractString(line, 'event_id'), _headers.value[indexOf(_headers.name, 'ce_id')])) AS refusal
    FROM slipway.predictions_queue
    WHERE line != ''
)
WHERE refusal != ''
---
CREATE OR REPLACE FUNCTION slipway_outcome_refusal AS (line, arrived, id) -> multiIf(
    NOT isValidJSON(line), 'not JSON',
    JSONType(line) != 'Object', 'not a JSON object',
    id = '', 'event_id: missing or not a string, and no ce_id in the headers',
    JSONExtractString(line, 'endpoint') = '', 'endpoint: missing or not a string',
    JSONExtractString(line, 'name') = '', 'name: missing or not a string',
    JSONType(line, 'value') NOT IN ('Int64', 'UInt64', 'Double', 'String', 'Bool'), 'value: must be a number, a string or a boolean',
    (JSONExtractString(line, 'unit') = '') = (JSONExtractString(line, 'request_id') = ''), 'unit: give either unit or request_id',
    JSONType(line, 'time') NOT IN ('Int64', 'UInt64'), 'time: must be milliseconds since the epoch',
    abs(JSONExtractInt(line, 'time') - toUnixTimestamp64Milli(arrived)) > 400 * 86400000, 'time: implausible (over 400 days from its arrival)',
    '')
---
ALTER TABLE slipway.outcomes_ingest MODIFY QUERY
SELECT
    id AS event_id, fromUnixTimestamp64Milli(row.2) AS time, arrived AS arrived_at, row.3 AS source, row.4 AS endpoint, row.5 AS name,
    if(JSONType(line, 'value') = 'String', JSONExtractString(line, 'value'), JSONExtractRaw(line, 'value')) AS value,
    if(JSONType(line, 'value') = 'Bool', toFloat64(JSONExtractBool(line, 'value')), if(JSONType(line, 'value') = 'String', NULL, JSONExtractFloat(line, 'value'))) AS number,
    row.6 AS unit, row.7 AS request_id,
    toUInt64(9000000000000000000 - toUnixTimestamp64Milli(arrived)) AS version
FROM
(
    SELECT line, coalesce(_timestamp_ms, now64(3)) AS arrived, if(JSONExtractString(line, 'event_id') != '', JSONExtractString(line, 'event_id'), _headers.value[indexOf(_headers.name, 'ce_id')]) AS id,
        JSONExtract(line, 'Tuple(event_id String, time Int64, source String, endpoint String, name String, unit String, request_id String)') AS row
    FROM slipway.outcomes_queue
    WHERE line != '' AND slipway_outcome_refusal(line, coalesce(_timestamp_ms, now64(3)), id) = ''
)
---
ALTER TABLE slipway.outcomes_refused MODIFY QUERY
SELECT lower(hex(SHA256(line))) AS event_id, arrived AS arrived_at, 'clickhouse' AS consumer, _topic AS topic, toUInt32(_partition) AS partition, _offset AS `offset`, refusal AS reason, line AS raw
FROM
(
    SELECT line, coalesce(_timestamp_ms, now64(3)) AS arrived, _topic, _partition, _offset, slipway_outcome_refusal(line, coalesce(_timestamp_ms, now64(3)), if(JSONExtractString(line, 'event_id') != '', JSONExtractString(line, 'event_id'), _headers.value[indexOf(_headers.name, 'ce_id')])) AS refusal
    FROM slipway.outcomes_queue
    WHERE line != ''
)
WHERE refusal != ''

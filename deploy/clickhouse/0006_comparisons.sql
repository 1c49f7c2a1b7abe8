-- How the answers to sampled requests differ, and how every sampled request ended.
CREATE TABLE IF NOT EXISTS slipway.comparisons
(
    event_id String COMMENT 'the shadow pair''s: a pair that was compared twice is one row',
    time DateTime64(3) COMMENT 'the comparator''s clock; for display',
    arrived_at DateTime64(3) COMMENT 'Kafka''s clock; orders evidence',
    source LowCardinality(String) COMMENT 'who wrote the row: a service, or a CloudEvent''s source',
    request_id String COMMENT 'the sampled request',
    trace_id String COMMENT 'W3C trace id, 32 hexadecimal digits; empty when there is none',
    endpoint LowCardinality(String) COMMENT 'the endpoint that was asked',
    rollout_id LowCardinality(String) COMMENT 'the rollout whose shadow sampled it',
    step Int16 COMMENT 'the step of that rollout, from 0',
    unit String COMMENT 'whose request it is (user, session); empty when the request names none',
    control_version LowCardinality(String) COMMENT 'model:version that served the request',
    candidate_version LowCardinality(String) COMMENT 'model:version that was asked in the shadow',
    result LowCardinality(String) COMMENT 'paired, failed, expired or shed',
    reason LowCardinality(String) COMMENT 'why there is no pair; empty when there is one',
    agree Bool COMMENT 'false also when the candidate failed where the control answered',
    noise Bool COMMENT 'the control was asked once more',
    noise_agree Bool COMMENT 'the control agreed with itself when it was asked once more',
    differences Array(Tuple(field String, kind String, control String, candidate String))
        COMMENT 'each place in which the answers differ, with both values as text',
    max_difference Float64 COMMENT 'the largest absolute difference of two numbers of the answers',
    control_latency_us UInt64 COMMENT 'the control''s answer, in microseconds, as its caller waited',
    control_compute_us UInt64 COMMENT 'computing of the control, in microseconds',
    candidate_latency_us UInt64 COMMENT 'the candidate''s answer, in microseconds, as the shadow lane waited',
    candidate_compute_us UInt64 COMMENT 'computing of the candidate, in microseconds',
    noise_compute_us UInt64 COMMENT 'computing of the control''s second answer, in microseconds',
    price Float64 COMMENT 'what the shadow cost for this request, as the bundles declare it',
    version UInt128 COMMENT 'greater for earlier arrivals (time, then offset, both inverted), so that the first wins',
    INDEX by_arrival arrived_at TYPE minmax GRANULARITY 1,
    INDEX by_rollout rollout_id TYPE set(64) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY event_id
TTL toDateTime(time) + INTERVAL 400 DAY
COMMENT 'How the answers to a sampled request differ, or why there is no pair, from comparisons.v1; kept 400 days'
---
CREATE TABLE IF NOT EXISTS slipway.comparisons_queue (line String COMMENT 'one row or CloudEvent as JSON, as it came')
ENGINE = Kafka
SETTINGS kafka_broker_list = '${KAFKA_BROKERS}', kafka_topic_list = 'slipway.comparisons.v1',
    kafka_group_name = 'clickhouse.comparisons',
    kafka_format = 'LineAsString', kafka_flush_interval_ms = 500, kafka_poll_timeout_ms = 100,
    kafka_thread_per_consumer = 1
COMMENT 'The ingest''s end of comparisons.v1; reading it would take the rows away: not for people'
---
CREATE OR REPLACE FUNCTION slipway_comparison_refusal AS (line, arrived) -> multiIf(
    NOT isValidJSON(line), 'not JSON',
    JSONType(line) != 'Object', 'not a JSON object',
    JSONExtractString(line, 'event_id') = '', 'event_id: missing or not a string, and no ce_id in the headers',
    JSONExtractString(line, 'request_id') = '', 'request_id: missing or not a string',
    JSONExtractString(line, 'rollout_id') = '', 'rollout_id: missing or not a string',
    JSONExtractString(line, 'result') NOT IN ('paired', 'failed', 'expired', 'shed'),
        'result: must be paired, failed, expired or shed',
    JSONType(line, 'agree') != 'Bool', 'agree: must be true or false',
    JSONType(line, 'time') NOT IN ('Int64', 'UInt64'), 'time: must be milliseconds since the epoch',
    abs(JSONExtractInt(line, 'time') - toUnixTimestamp64Milli(arrived)) > 35 * 86400000,
        'time: implausible (over 35 days from its arrival)',
    '')
---
CREATE TABLE IF NOT EXISTS slipway.comparisons_lines AS slipway.predictions_lines
ENGINE = Null
COMMENT 'Lines of comparisons_queue on their way; always empty'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.comparisons_read TO slipway.comparisons_lines AS
SELECT line, row, arrived, topic, kafka_partition, kafka_offset,
    slipway_comparison_refusal(row, arrived) AS refusal
FROM
(
    SELECT line, slipway_row(line, _headers.value[indexOf(_headers.name, 'ce_id')]) AS row,
        coalesce(_timestamp_ms, now64(3)) AS arrived, _topic AS topic, toUInt32(_partition) AS kafka_partition,
        _offset AS kafka_offset
    FROM slipway.comparisons_queue
    WHERE line != ''
)
COMMENT 'Reads what arrives in comparisons_queue'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.comparisons_ingest TO slipway.comparisons AS
SELECT
    fields.1 AS event_id, fromUnixTimestamp64Milli(fields.2) AS time, arrived AS arrived_at, fields.3 AS source,
    fields.4 AS request_id, fields.5 AS trace_id, fields.6 AS endpoint, fields.7 AS rollout_id, fields.8 AS step,
    fields.9 AS control_version, fields.10 AS candidate_version, fields.11 AS result, fields.12 AS reason,
    fields.13 AS agree,
    fields.14 AS noise, fields.15 AS noise_agree, fields.16 AS differences, fields.17 AS max_difference,
    fields.18 AS control_latency_us, fields.19 AS control_compute_us, fields.20 AS candidate_latency_us,
    fields.21 AS candidate_compute_us, fields.22 AS noise_compute_us, fields.23 AS price, fields.24 AS unit,
    bitOr(bitShiftLeft(toUInt128(bitNot(toUInt64(toUnixTimestamp64Milli(arrived)))), 64),
        toUInt128(bitNot(toUInt64(kafka_offset)))) AS version
FROM
(
    SELECT row, arrived, kafka_offset,
        JSONExtract(row, 'Tuple(event_id String, time Int64, source String, request_id String, trace_id String,
            endpoint String, rollout_id String, step Int16, control_version String, candidate_version String,
            result String, reason String, agree Bool, noise Bool, noise_agree Bool,
            differences Array(Tuple(field String, kind String, control String, candidate String)),
            max_difference Float64, control_latency_us UInt64, control_compute_us UInt64, candidate_latency_us UInt64,
            candidate_compute_us UInt64, noise_compute_us UInt64, price Float64, unit String)') AS fields
    FROM slipway.comparisons_lines
    WHERE refusal = ''
)
COMMENT 'Sends what arrives in comparisons_queue to comparisons'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.comparisons_refused TO slipway.dead_letters AS
SELECT lower(hex(SHA256(line))) AS event_id, arrived AS arrived_at, 'clickhouse' AS consumer, topic,
    kafka_partition AS partition, kafka_offset AS `offset`, refusal AS reason, line AS raw
FROM slipway.comparisons_lines
WHERE refusal != ''
COMMENT 'Sends what comparisons_ingest refuses to dead_letters, with the reason'
---
-- One row a place in which two answers differ, beside the request that it was.
CREATE OR REPLACE VIEW slipway.discrepancies AS
SELECT c.event_id AS event_id, c.arrived_at AS arrived_at, c.endpoint AS endpoint, c.rollout_id AS rollout_id,
    c.step AS step, c.request_id AS request_id, c.trace_id AS trace_id,
    c.control_version AS control_version, c.candidate_version AS candidate_version, c.result AS result,
    c.reason AS reason, d.field AS field, d.kind AS kind, d.control AS control, d.candidate AS candidate,
    c.noise AS noise, c.noise_agree AS noise_agree
FROM slipway.comparisons AS c FINAL
ARRAY JOIN if(empty(c.differences) AND NOT c.agree,
    [('(whole)', 'missing', '', c.reason)]::Array(Tuple(field String, kind String, control String, candidate String)),
    c.differences) AS d
WHERE NOT c.agree
---
-- sampled = paired + failed + expired + shed + pending, from distinct ids.
CREATE OR REPLACE VIEW slipway.shadow_accounting AS
SELECT rollout_id, step, uniqExact(request_id) AS sampled, uniqExactIf(request_id, state = 'paired') AS paired,
    uniqExactIf(request_id, state = 'failed') AS failed, uniqExactIf(request_id, state = 'expired') AS expired,
    uniqExactIf(request_id, state = 'shed') AS shed, sampled - uniqExactIf(request_id, state != 'sampled') AS pending
FROM
(
    SELECT shadow_rollout_id AS rollout_id, shadow_step AS step, request_id, 'sampled' AS state
        FROM slipway.predictions FINAL WHERE shadow_rollout_id != ''
    UNION ALL
    SELECT rollout_id, step, request_id, result AS state FROM slipway.comparisons FINAL
)
GROUP BY rollout_id, step

-- Served predictions. One Kafka record carries many lines; an invalid line is refused (predictions_refused) without
-- affecting the others.
CREATE TABLE IF NOT EXISTS slipway.predictions
(
    event_id String COMMENT 'identity; a repeat is the same row, the first arrival wins',
    time DateTime64(3) COMMENT 'the router''s clock; for display',
    arrived_at DateTime64(3) COMMENT 'Kafka''s clock; orders evidence',
    source LowCardinality(String) COMMENT 'who wrote the row: a service, or a CloudEvent''s source',
    request_id String COMMENT 'the caller''s X-Request-Id or id; made by the router where there was none',
    endpoint LowCardinality(String) COMMENT 'the name that the caller asked',
    rollout_id LowCardinality(String) COMMENT 'empty when no rollout was under way',
    step Int16 COMMENT 'the rollout''s step, from 0; -1 when no rollout was under way',
    route_revision LowCardinality(String) COMMENT 'the route that was applied, as epoch.n',
    unit String COMMENT 'what is randomised (user, session, request); empty when the request names none',
    assigned_arm LowCardinality(String) COMMENT 'control or candidate: analyses go by it, whoever answered',
    probability Float64 COMMENT 'of the assigned arm at that revision',
    reason LowCardinality(String) COMMENT 'why it went to its arm; "randomised" and "ejected" are exposures',
    served_version LowCardinality(String) COMMENT 'model:version that answered; empty when nothing did',
    fallback_from LowCardinality(String) COMMENT 'model:version that should have answered; empty without a fallback',
    status UInt16 COMMENT 'HTTP status of the answer',
    error_code LowCardinality(String) COMMENT 'what went wrong; empty when nothing did',
    latency_us UInt64 COMMENT 'from the arrival of the whole request at the router to its answer, in microseconds',
    settled_us UInt64
        COMMENT 'its own arm''s attempts, in microseconds; the deadline, where a candidate would have been given up',
    queue_us UInt64 COMMENT 'waiting for a batch in the worker, in microseconds; 0 when the server does not say',
    compute_us UInt64 COMMENT 'computing in the worker, in microseconds; 0 when the server does not say',
    batch_size UInt32 COMMENT 'requests that the worker computed together; 0 when the server does not say',
    price Float64 COMMENT 'of one request, as the version''s bundle declares it',
    request String
        COMMENT 'the body as JSON; a string when it is none; {digest, bytes, head} when it is over 256 KB; kept 30 days'
        CODEC(ZSTD(1)) TTL toDateTime(time) + INTERVAL 30 DAY,
    response String COMMENT 'the answer''s body, as request' CODEC(ZSTD(1)) TTL toDateTime(time) + INTERVAL 30 DAY,
    outputs Map(LowCardinality(String), String)
        COMMENT 'every output tensor by name: a single element plain, several as JSON; cut at 64, 8 KiB: "[…] of 1000"',
    shadow_rollout_id LowCardinality(String)
        COMMENT 'the rollout whose shadow sampled this request; empty when none did',
    shadow_step Int16 DEFAULT -1 COMMENT 'the step of that rollout, from 0; -1 when no shadow sampled it',
    trace_id String COMMENT 'W3C trace id, 32 hexadecimal digits; empty when there is none',
    router LowCardinality(String) COMMENT 'the router that answered',
    boot LowCardinality(String) COMMENT 'that router''s run: another one after each start',
    sequence UInt64
        COMMENT 'counts every request that this run of this router answered, from 0; a gap is a missing row',
    kafka_partition UInt32 COMMENT 'where its record lies: what a look has seen is a prefix of every partition',
    kafka_offset UInt64 COMMENT 'the record''s offset in that partition',
    version UInt128 COMMENT 'greater for earlier arrivals (time, then offset, both inverted), so that the first wins',
    INDEX by_arrival arrived_at TYPE minmax GRANULARITY 1,
    INDEX by_rollout rollout_id TYPE set(64) GRANULARITY 1,
    INDEX by_request request_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY event_id
TTL toDateTime(time) + INTERVAL 400 DAY
COMMENT 'Served predictions, one row a request, from predictions.v1; kept 400 days, bodies 30'
---
CREATE TABLE IF NOT EXISTS slipway.predictions_queue (line String COMMENT 'one row or CloudEvent as JSON, as it came')
ENGINE = Kafka
SETTINGS kafka_broker_list = '${KAFKA_BROKERS}', kafka_topic_list = 'slipway.predictions.v1',
    kafka_group_name = 'clickhouse.predictions',
    kafka_format = 'LineAsString', kafka_flush_interval_ms = 500, kafka_poll_timeout_ms = 100,
    kafka_thread_per_consumer = 1
COMMENT 'The ingest''s end of predictions.v1; reading it would take the rows away: not for people'
---
-- A line is refused when it is no JSON object, lacks a required field, or has an implausible time.
CREATE OR REPLACE FUNCTION slipway_prediction_refusal AS (line, arrived) -> multiIf(
    NOT isValidJSON(line), 'not JSON',
    JSONType(line) != 'Object', 'not a JSON object',
    JSONExtractString(line, 'event_id') = '', 'event_id: missing or not a string, and no ce_id in the headers',
    JSONExtractString(line, 'request_id') = '', 'request_id: missing or not a string',
    JSONExtractString(line, 'endpoint') = '', 'endpoint: missing or not a string',
    JSONExtractString(line, 'assigned_arm') NOT IN ('control', 'candidate'),
        'assigned_arm: must be control or candidate',
    JSONExtractString(line, 'reason') NOT IN ('randomised', 'forced', 'rule', 'no_unit', 'lease_expired', 'ejected'),
        'reason: not one of the known reasons',
    JSONType(line, 'probability') NOT IN ('Double', 'Int64', 'UInt64') OR JSONExtractFloat(line, 'probability') < 0
        OR JSONExtractFloat(line, 'probability') > 1, 'probability: must be a number from 0 to 1',
    JSONType(line, 'status') NOT IN ('Int64', 'UInt64') OR JSONExtractInt(line, 'status') NOT BETWEEN 100 AND 599,
        'status: must be an HTTP status',
    JSONType(line, 'time') NOT IN ('Int64', 'UInt64'), 'time: must be milliseconds since the epoch',
    abs(JSONExtractInt(line, 'time') - toUnixTimestamp64Milli(arrived)) > 35 * 86400000,
        'time: implausible (over 35 days from its arrival)',
    '')
---
-- An output tensor's elements (their JSON texts) as one text: a single element is its plain value, several are a JSON
-- list; of a long one the first elements, at most 64 and 8 KiB, and how many there were.
CREATE OR REPLACE FUNCTION slipway_output AS (elements) -> multiIf(
    length(elements) = 1, if(startsWith(elements[1], '"'), JSONExtractString(elements[1]), elements[1]),
    length(elements) <= 64 AND length(arrayStringConcat(elements, ',')) <= 8190,
        concat('[', arrayStringConcat(elements, ','), ']'),
    concat('[',
        arrayStringConcat(
            arrayFilter(
                (text, bytes) -> bytes <= 8190,
                arraySlice(elements, 1, 64),
                arrayCumSum(text -> length(text) + 1, arraySlice(elements, 1, 64))),
            ','),
        '] of ', toString(length(elements))))
---
-- Whether such a text is a list of elements, and not the plain value of one (a label may begin with a bracket too): it
-- is JSON, but for the number of elements behind a long one.
CREATE OR REPLACE FUNCTION slipway_is_list AS (output) ->
    startsWith(output, '[') AND isValidJSON(replaceRegexpOne(output, '\\] of [0-9]+$', ']'))
---
-- Each line once: its row, when it arrived and why it is refused, for the two views below; an engine of Null keeps
-- nothing. The engine reads the SQL of every view again at each flush, four times a second: with the long expressions
-- in one view instead of two, the ingest of a small stream costs less than a third.
CREATE TABLE IF NOT EXISTS slipway.predictions_lines
(
    line String COMMENT 'the line as it came',
    row String COMMENT 'the row in it, as JSON',
    arrived DateTime64(3) COMMENT 'Kafka''s clock',
    topic LowCardinality(String) COMMENT 'the topic that it lies in',
    kafka_partition UInt32 COMMENT 'the partition that it lies in',
    kafka_offset UInt64 COMMENT 'its record''s offset in that partition',
    refusal String COMMENT 'why it cannot be a row; empty when it can'
)
ENGINE = Null
COMMENT 'Lines of predictions_queue on their way; always empty'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.predictions_read TO slipway.predictions_lines AS
SELECT line, row, arrived, topic, kafka_partition, kafka_offset,
    slipway_prediction_refusal(row, arrived) AS refusal
FROM
(
    SELECT line, slipway_row(line, _headers.value[indexOf(_headers.name, 'ce_id')]) AS row,
        coalesce(_timestamp_ms, now64(3)) AS arrived, _topic AS topic, toUInt32(_partition) AS kafka_partition,
        _offset AS kafka_offset
    FROM slipway.predictions_queue
    WHERE line != ''
)
COMMENT 'Reads what arrives in predictions_queue'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.predictions_ingest TO slipway.predictions AS
SELECT
    fields.1 AS event_id, fromUnixTimestamp64Milli(fields.2) AS time, arrived AS arrived_at, fields.3 AS source,
    fields.4 AS request_id, fields.5 AS endpoint,
    fields.6 AS rollout_id, if(fields.6 = '', -1, fields.7) AS step, fields.8 AS route_revision, fields.9 AS unit,
    fields.10 AS assigned_arm, fields.11 AS probability, fields.12 AS reason,
    fields.13 AS served_version, fields.14 AS fallback_from, fields.15 AS status, fields.16 AS error_code,
    fields.17 AS latency_us,
    if(fields.28 = 0, fields.17, fields.28) AS settled_us,
    fields.18 AS queue_us, fields.19 AS compute_us,
    fields.20 AS batch_size, fields.21 AS price, JSONExtractRaw(row, 'request') AS request,
    JSONExtractRaw(row, 'response') AS response,
    mapFromArrays(arrayMap(o -> JSONExtractString(o, 'name'), outs),
        arrayMap(o -> slipway_output(JSONExtractArrayRaw(o, 'data')), outs)) AS outputs,
    fields.25 AS shadow_rollout_id, if(fields.25 = '', -1, fields.26) AS shadow_step, fields.27 AS trace_id,
    fields.22 AS router, fields.23 AS boot, fields.24 AS sequence,
    kafka_partition, kafka_offset,
    bitOr(bitShiftLeft(toUInt128(bitNot(toUInt64(toUnixTimestamp64Milli(arrived)))), 64),
        toUInt128(bitNot(toUInt64(kafka_offset)))) AS version
FROM
(
    SELECT row, arrived, kafka_partition, kafka_offset,
        JSONExtract(row, 'Tuple(event_id String, time Int64, source String, request_id String, endpoint String,
            rollout_id String, step Int16, route_revision String, unit String, assigned_arm String,
            probability Float64, reason String, served_version String, fallback_from String, status UInt16,
            error_code String, latency_us UInt64, queue_us UInt64, compute_us UInt64, batch_size UInt32, price Float64,
            router String, boot String, sequence UInt64, shadow_rollout_id String, shadow_step Int16,
            trace_id String, settled_us UInt64)') AS fields,
        JSONExtractArrayRaw(row, 'response', 'outputs') AS outs
    FROM slipway.predictions_lines
    WHERE refusal = ''
)
COMMENT 'Sends what arrives in predictions_queue to predictions'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.predictions_refused TO slipway.dead_letters AS
SELECT lower(hex(SHA256(line))) AS event_id, arrived AS arrived_at, 'clickhouse' AS consumer, topic,
    kafka_partition AS partition, kafka_offset AS `offset`, refusal AS reason, line AS raw
FROM slipway.predictions_lines
WHERE refusal != ''
COMMENT 'Sends what predictions_ingest refuses to dead_letters, with the reason'

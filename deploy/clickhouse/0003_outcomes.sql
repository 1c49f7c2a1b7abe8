-- Business facts about a unit or a request; they may come long after the prediction, or before its row.
CREATE TABLE IF NOT EXISTS slipway.outcomes
(
    event_id String COMMENT 'identity; a repeat is the same row, the first arrival wins',
    time DateTime64(3) COMMENT 'when it happened, by the clock of whoever reports it',
    arrived_at DateTime64(3) COMMENT 'Kafka''s clock; orders evidence',
    source LowCardinality(String) COMMENT 'who wrote the row: a service, or a CloudEvent''s source',
    endpoint LowCardinality(String) COMMENT 'the endpoint that it is about',
    name LowCardinality(String) COMMENT 'which fact: metrics refer to it',
    value String COMMENT 'as text: numbers and booleans in their JSON form',
    number Nullable(Float64) COMMENT 'the value when it is a number; 1 and 0 for booleans',
    unit String COMMENT 'the unit that it is about; empty when it is about a request',
    request_id String COMMENT 'the request that it is about; empty when it is about a unit',
    kafka_partition UInt32 COMMENT 'where its record lies: what a look has seen is a prefix of every partition',
    kafka_offset UInt64 COMMENT 'the record''s offset in that partition',
    version UInt128 COMMENT 'greater for earlier arrivals (time, then offset, both inverted), so that the first wins',
    INDEX by_arrival arrived_at TYPE minmax GRANULARITY 1,
    INDEX by_request request_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY event_id
TTL toDateTime(time) + INTERVAL 400 DAY
COMMENT 'Business facts about a unit or a request, from outcomes.v1; they may come weeks later; kept 400 days'
---
CREATE TABLE IF NOT EXISTS slipway.outcomes_queue (line String COMMENT 'one row or CloudEvent as JSON, as it came')
ENGINE = Kafka
SETTINGS kafka_broker_list = '${KAFKA_BROKERS}', kafka_topic_list = 'slipway.outcomes.v1',
    kafka_group_name = 'clickhouse.outcomes',
    kafka_format = 'LineAsString', kafka_flush_interval_ms = 500, kafka_poll_timeout_ms = 100,
    kafka_thread_per_consumer = 1
COMMENT 'The ingest''s end of outcomes.v1; reading it would take the rows away: not for people'
---
CREATE OR REPLACE FUNCTION slipway_outcome_refusal AS (line, arrived) -> multiIf(
    NOT isValidJSON(line), 'not JSON',
    JSONType(line) != 'Object', 'not a JSON object',
    JSONExtractString(line, 'event_id') = '', 'event_id: missing or not a string, and no ce_id in the headers',
    JSONExtractString(line, 'endpoint') = '', 'endpoint: missing or not a string',
    JSONExtractString(line, 'name') = '', 'name: missing or not a string',
    JSONType(line, 'value') NOT IN ('Int64', 'UInt64', 'Double', 'String', 'Bool'),
        'value: must be a number, a string or a boolean',
    (JSONExtractString(line, 'unit') = '') = (JSONExtractString(line, 'request_id') = ''),
        'unit: give either unit or request_id',
    JSONType(line, 'time') NOT IN ('Int64', 'UInt64'), 'time: must be milliseconds since the epoch',
    abs(JSONExtractInt(line, 'time') - toUnixTimestamp64Milli(arrived)) > 400 * 86400000,
        'time: implausible (over 400 days from its arrival)',
    '')
---
CREATE TABLE IF NOT EXISTS slipway.outcomes_lines AS slipway.predictions_lines
ENGINE = Null
COMMENT 'Lines of outcomes_queue on their way; always empty'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.outcomes_read TO slipway.outcomes_lines AS
SELECT line, row, arrived, topic, kafka_partition, kafka_offset,
    slipway_outcome_refusal(row, arrived) AS refusal
FROM
(
    SELECT line, slipway_row(line, _headers.value[indexOf(_headers.name, 'ce_id')]) AS row,
        coalesce(_timestamp_ms, now64(3)) AS arrived, _topic AS topic, toUInt32(_partition) AS kafka_partition,
        _offset AS kafka_offset
    FROM slipway.outcomes_queue
    WHERE line != ''
)
COMMENT 'Reads what arrives in outcomes_queue'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.outcomes_ingest TO slipway.outcomes AS
SELECT
    fields.1 AS event_id, fromUnixTimestamp64Milli(fields.2) AS time, arrived AS arrived_at, fields.3 AS source,
    fields.4 AS endpoint, fields.5 AS name,
    if(JSONType(row, 'value') = 'String', JSONExtractString(row, 'value'), JSONExtractRaw(row, 'value')) AS value,
    if(JSONType(row, 'value') = 'Bool', toFloat64(JSONExtractBool(row, 'value')),
        if(JSONType(row, 'value') = 'String', NULL, JSONExtractFloat(row, 'value'))) AS number,
    fields.6 AS unit, fields.7 AS request_id,
    kafka_partition, kafka_offset,
    bitOr(bitShiftLeft(toUInt128(bitNot(toUInt64(toUnixTimestamp64Milli(arrived)))), 64),
        toUInt128(bitNot(toUInt64(kafka_offset)))) AS version
FROM
(
    SELECT row, arrived, kafka_partition, kafka_offset,
        JSONExtract(row, 'Tuple(event_id String, time Int64, source String, endpoint String, name String, unit String,
            request_id String)') AS fields
    FROM slipway.outcomes_lines
    WHERE refusal = ''
)
COMMENT 'Sends what arrives in outcomes_queue to outcomes'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.outcomes_refused TO slipway.dead_letters AS
SELECT lower(hex(SHA256(line))) AS event_id, arrived AS arrived_at, 'clickhouse' AS consumer, topic,
    kafka_partition AS partition, kafka_offset AS `offset`, refusal AS reason, line AS raw
FROM slipway.outcomes_lines
WHERE refusal != ''
COMMENT 'Sends what outcomes_ingest refuses to dead_letters, with the reason'

-- A CloudEvent of structured mode is a JSON object with `specversion` and its row in `data`.
CREATE OR REPLACE FUNCTION slipway_is_event AS (line) ->
    JSONType(line) = 'Object' AND JSONType(line, 'specversion') = 'String' AND JSONType(line, 'data') = 'Object'
---
CREATE OR REPLACE FUNCTION slipway_text_field AS (name, text) -> concat('"', name, '":', toJSONString(text))
---
-- The attribute `time` (RFC 3339) in milliseconds since the epoch; NULL when it is none.
CREATE OR REPLACE FUNCTION slipway_event_time AS (line) ->
    toUnixTimestamp64Milli(parseDateTime64BestEffortOrNull(JSONExtractString(line, 'time'), 3, 'UTC'))
---
-- What a CloudEvent's attributes say and its row does not, as JSON fields.
CREATE OR REPLACE FUNCTION slipway_event_fields AS (line, row, ce_id) ->
    arrayStringConcat(arrayFilter(field -> field != '', [
    multiIf(
        JSONExtractString(row, 'event_id') != '', '',
        slipway_is_event(line) AND JSONExtractString(line, 'id') != '',
            slipway_text_field('event_id', JSONExtractString(line, 'id')),
        ce_id != '', slipway_text_field('event_id', ce_id),
        ''),
    if(slipway_is_event(line) AND NOT JSONHas(row, 'source') AND JSONExtractString(line, 'source') != '',
        slipway_text_field('source', JSONExtractString(line, 'source')), ''),
    if(slipway_is_event(line) AND NOT JSONHas(row, 'time') AND slipway_event_time(line) IS NOT NULL,
        concat('"time":', toString(assumeNotNull(slipway_event_time(line)))), '')]), ',')
---
CREATE OR REPLACE FUNCTION slipway_with_fields AS (fields, row) -> if(fields = '', row,
    concat('{', fields, if(JSONLength(row) = 0, '', ','), substring(row, position(row, '{') + 1)))
---
-- The row of a line: the line itself, or what a CloudEvent 1.0 carries (structured mode: `data`; binary mode: the line,
-- with the header ce_id for a missing event_id). Every ingest and every refusal reads lines through this one function;
-- dead letters keep the line as it came.
CREATE OR REPLACE FUNCTION slipway_row AS (line, ce_id) -> multiIf(
    JSONType(line) != 'Object', line,
    slipway_is_event(line), slipway_with_fields(slipway_event_fields(line, JSONExtractRaw(line, 'data'), ce_id),
        JSONExtractRaw(line, 'data')),
    slipway_with_fields(slipway_event_fields(line, line, ce_id), line))
---
-- What nobody could use: rows that our own views refuse, and records that consumers refused (dead-letters.v1).
CREATE TABLE IF NOT EXISTS slipway.dead_letters
(
    event_id String COMMENT 'the dead letter''s identity; of a refused line the SHA-256, in hexadecimal',
    arrived_at DateTime64(3)
        COMMENT 'Kafka''s clock, in milliseconds: when the refused line (or the letter about it) arrived',
    consumer LowCardinality(String) COMMENT 'who refused it: clickhouse for the ingest, or the consumer group',
    topic LowCardinality(String) COMMENT 'the topic that it lies in',
    partition UInt32 COMMENT 'the partition that it lies in',
    `offset` UInt64 COMMENT 'its record''s offset in that partition',
    reason String COMMENT 'why it could not be used, in a sentence',
    raw String COMMENT 'its bytes as they came'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(arrived_at)
ORDER BY (topic, partition, `offset`, event_id)
TTL toDateTime(arrived_at) + INTERVAL 90 DAY
COMMENT 'What nobody could use, and why: lines that the ingest refused, records that consumers refused; kept 90 days'
---
CREATE TABLE IF NOT EXISTS slipway.dead_letters_queue (line String COMMENT 'one row or CloudEvent as JSON, as it came')
ENGINE = Kafka
SETTINGS kafka_broker_list = '${KAFKA_BROKERS}', kafka_topic_list = 'slipway.dead-letters.v1',
    kafka_group_name = 'clickhouse.dead-letters',
    kafka_format = 'LineAsString', kafka_flush_interval_ms = 500, kafka_poll_timeout_ms = 100,
    kafka_thread_per_consumer = 1
COMMENT 'The ingest''s end of dead-letters.v1; reading it would take the rows away: not for people'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.dead_letters_ingest TO slipway.dead_letters AS
SELECT
    row.1 AS event_id,
    _timestamp_ms AS arrived_at,
    row.2 AS consumer,
    if(row.3 = '', _topic, row.3) AS topic,
    if(row.3 = '', toUInt32(_partition), row.4) AS partition,
    if(row.3 = '', _offset, toUInt64OrZero(row.5)) AS `offset`,
    if(row.3 = '', 'the dead letter itself is unreadable', row.6) AS reason,
    if(row.3 = '', line, tryBase64Decode(row.7)) AS raw
FROM
(
    SELECT line, _timestamp_ms, _topic, _partition, _offset,
        JSONExtract(if(isValidJSON(line) AND JSONType(line) = 'Object', line, '{}'),
            'Tuple(event_id String, consumer String, topic String, partition UInt32, offset String, reason String,
            raw String)') AS row
    FROM (SELECT slipway_row(line, _headers.value[indexOf(_headers.name, 'ce_id')]) AS line, _timestamp_ms, _topic,
        _partition, _offset FROM slipway.dead_letters_queue)
)
COMMENT 'Sends what arrives in dead_letters_queue to dead_letters'

-- Which model should be retrained, why, and on which data.
CREATE TABLE IF NOT EXISTS slipway.retraining
(
    event_id String COMMENT 'identity; a repeat is the same row, the first arrival wins',
    arrived_at DateTime64(3) COMMENT 'Kafka''s clock; orders evidence',
    time DateTime64(3) COMMENT 'the drift monitor''s clock; for display',
    source LowCardinality(String) COMMENT 'who wrote the row: a service, or a CloudEvent''s source',
    model LowCardinality(String) COMMENT 'the model that should be retrained',
    model_version UInt32 COMMENT 'its version that serves',
    endpoint LowCardinality(String) COMMENT 'where it serves',
    reasons Array(String) COMMENT 'stable codes: label_loss:…, lasting_drift',
    sentence String COMMENT 'why, in a sentence for people',
    data_from DateTime64(3) COMMENT 'train on requests that arrived from here on',
    data_to DateTime64(3) COMMENT 'up to here',
    numbers String COMMENT 'the numbers behind it, as JSON',
    version UInt128 COMMENT 'greater for earlier arrivals (time, then offset, both inverted), so that the first wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (model, event_id)
COMMENT 'Which model should be retrained, why, and on which data, from retraining.v1; kept for ever'
---
CREATE TABLE IF NOT EXISTS slipway.retraining_queue (line String COMMENT 'one row or CloudEvent as JSON, as it came')
ENGINE = Kafka
SETTINGS kafka_broker_list = '${KAFKA_BROKERS}', kafka_topic_list = 'slipway.retraining.v1',
    kafka_group_name = 'clickhouse.retraining',
    kafka_format = 'LineAsString', kafka_flush_interval_ms = 500, kafka_poll_timeout_ms = 100,
    kafka_thread_per_consumer = 1
COMMENT 'The ingest''s end of retraining.v1; reading it would take the rows away: not for people'
---
CREATE TABLE IF NOT EXISTS slipway.retraining_lines AS slipway.predictions_lines
ENGINE = Null
COMMENT 'Lines of retraining_queue on their way; always empty'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.retraining_read TO slipway.retraining_lines AS
SELECT line, row, arrived, topic, kafka_partition, kafka_offset,
    if(JSONExtractString(row, 'event_id') != '' AND JSONExtractString(row, 'model') != '', '',
        'retraining: not JSON, or without event_id or model') AS refusal
FROM
(
    SELECT line, slipway_row(line, _headers.value[indexOf(_headers.name, 'ce_id')]) AS row,
        coalesce(_timestamp_ms, now64(3)) AS arrived, _topic AS topic, toUInt32(_partition) AS kafka_partition,
        _offset AS kafka_offset
    FROM slipway.retraining_queue
    WHERE line != ''
)
COMMENT 'Reads what arrives in retraining_queue'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.retraining_ingest TO slipway.retraining AS
SELECT
    fields.1 AS event_id, arrived AS arrived_at, fromUnixTimestamp64Milli(fields.2) AS time,
    fields.3 AS source, fields.4 AS model, fields.5 AS model_version, fields.6 AS endpoint, fields.7 AS reasons,
    fields.8 AS sentence,
    fromUnixTimestamp64Milli(JSONExtractInt(row, 'data', 'from')) AS data_from,
    fromUnixTimestamp64Milli(JSONExtractInt(row, 'data', 'to')) AS data_to, JSONExtractRaw(row, 'numbers') AS numbers,
    bitOr(bitShiftLeft(toUInt128(bitNot(toUInt64(toUnixTimestamp64Milli(arrived)))), 64),
        toUInt128(bitNot(toUInt64(kafka_offset)))) AS version
FROM
(
    SELECT row, arrived, kafka_offset,
        JSONExtract(row, 'Tuple(event_id String, time Int64, source String,
        model String, version UInt32, endpoint String, reasons Array(String), sentence String)') AS fields
    FROM slipway.retraining_lines
    WHERE refusal = ''
)
COMMENT 'Sends what arrives in retraining_queue to retraining'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.retraining_refused TO slipway.dead_letters AS
SELECT lower(hex(SHA256(line))) AS event_id, arrived AS arrived_at, 'clickhouse' AS consumer, topic,
    kafka_partition AS partition, kafka_offset AS `offset`, refusal AS reason, line AS raw
FROM slipway.retraining_lines
WHERE refusal != ''
COMMENT 'Sends what retraining_ingest refuses to dead_letters, with the reason'

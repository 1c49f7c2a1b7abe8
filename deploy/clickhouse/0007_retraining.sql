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
    kafka_format = 'LineAsString', kafka_flush_interval_ms = 250, kafka_poll_timeout_ms = 100,
    kafka_thread_per_consumer = 1
COMMENT 'The ingest''s end of retraining.v1; reading it would take the rows away: not for people'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.retraining_ingest TO slipway.retraining AS
SELECT
    row.1 AS event_id, coalesce(arrived, now64(3)) AS arrived_at, fromUnixTimestamp64Milli(row.2) AS time,
    row.3 AS source, row.4 AS model, row.5 AS model_version, row.6 AS endpoint, row.7 AS reasons, row.8 AS sentence,
    fromUnixTimestamp64Milli(JSONExtractInt(line, 'data', 'from')) AS data_from,
    fromUnixTimestamp64Milli(JSONExtractInt(line, 'data', 'to')) AS data_to, JSONExtractRaw(line, 'numbers') AS numbers,
    bitOr(bitShiftLeft(toUInt128(bitNot(toUInt64(toUnixTimestamp64Milli(coalesce(arrived, now64(3)))))), 64),
        toUInt128(bitNot(toUInt64(_offset)))) AS version
FROM
(
    SELECT line, _offset, _timestamp_ms AS arrived, JSONExtract(line, 'Tuple(event_id String, time Int64, source String,
        model String, version UInt32, endpoint String, reasons Array(String), sentence String)') AS row
    FROM (SELECT slipway_row(line, _headers.value[indexOf(_headers.name, 'ce_id')]) AS line, _timestamp_ms, _topic,
        _partition, _offset FROM slipway.retraining_queue)
)
WHERE JSONType(line) = 'Object' AND row.1 != '' AND row.4 != ''
COMMENT 'Sends what arrives in retraining_queue to retraining'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.retraining_refused TO slipway.dead_letters AS
SELECT lower(hex(SHA256(line))) AS event_id, coalesce(_timestamp_ms, now64(3)) AS arrived_at, 'clickhouse' AS consumer,
    _topic AS topic, toUInt32(_partition) AS partition, _offset AS `offset`,
    'retraining: not JSON, or without event_id or model' AS reason, line AS raw
FROM (SELECT line, slipway_row(line, _headers.value[indexOf(_headers.name, 'ce_id')]) AS row, _timestamp_ms, _topic,
    _partition, _offset FROM slipway.retraining_queue)
WHERE line != '' AND NOT (JSONExtractString(row, 'event_id') != '' AND JSONExtractString(row, 'model') != '')
COMMENT 'Sends what retraining_ingest refuses to dead_letters, with the reason'

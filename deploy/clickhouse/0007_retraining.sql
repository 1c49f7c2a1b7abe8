-- Which model should be retrained, why, and on which data.
CREATE TABLE IF NOT EXISTS slipway.retraining
(
    event_id String, arrived_at DateTime64(3), time DateTime64(3), source LowCardinality(String), model LowCardinality(String), model_version UInt32, endpoint LowCardinality(String), reasons Array(String), sentence String,
    data_from DateTime64(3), data_to DateTime64(3), numbers String, version UInt128
)
ENGINE = ReplacingMergeTree(version) ORDER BY (model, event_id)
---
CREATE TABLE IF NOT EXISTS slipway.retraining_queue (line String)
ENGINE = Kafka
SETTINGS kafka_broker_list = '${KAFKA_BROKERS}', kafka_topic_list = 'slipway.retraining.v1', kafka_group_name = 'clickhouse.retraining',
    kafka_format = 'LineAsString', kafka_flush_interval_ms = 250, kafka_poll_timeout_ms = 100, kafka_thread_per_consumer = 1
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.retraining_ingest TO slipway.retraining AS
SELECT
    row.1 AS event_id, coalesce(arrived, now64(3)) AS arrived_at, fromUnixTimestamp64Milli(row.2) AS time, row.3 AS source, row.4 AS model, row.5 AS model_version, row.6 AS endpoint, row.7 AS reasons, row.8 AS sentence,
    fromUnixTimestamp64Milli(JSONExtractInt(line, 'data', 'from')) AS data_from, fromUnixTimestamp64Milli(JSONExtractInt(line, 'data', 'to')) AS data_to, JSONExtractRaw(line, 'numbers') AS numbers,
    bitOr(bitShiftLeft(toUInt128(bitNot(toUInt64(toUnixTimestamp64Milli(coalesce(arrived, now64(3)))))), 64), toUInt128(bitNot(toUInt64(_offset)))) AS version
FROM
(
    SELECT line, _offset, _timestamp_ms AS arrived, JSONExtract(line, 'Tuple(event_id String, time Int64, source String, model String, version UInt32, endpoint String, reasons Array(String), sentence String)') AS row
    FROM (SELECT slipway_row(line, _headers.value[indexOf(_headers.name, 'ce_id')]) AS line, _timestamp_ms, _topic, _partition, _offset FROM slipway.retraining_queue)
)
WHERE JSONType(line) = 'Object' AND row.1 != '' AND row.4 != ''
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.retraining_refused TO slipway.dead_letters AS
SELECT lower(hex(SHA256(line))) AS event_id, coalesce(_timestamp_ms, now64(3)) AS arrived_at, 'clickhouse' AS consumer, _topic AS topic, toUInt32(_partition) AS partition, _offset AS `offset`,
    'retraining: not JSON, or without event_id or model' AS reason, line AS raw
FROM (SELECT line, slipway_row(line, _headers.value[indexOf(_headers.name, 'ce_id')]) AS row, _timestamp_ms, _topic, _partition, _offset FROM slipway.retraining_queue)
WHERE line != '' AND NOT (JSONExtractString(row, 'event_id') != '' AND JSONExtractString(row, 'model') != '')

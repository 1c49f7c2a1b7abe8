-- The control plane's own history for analysts: evidence and every change of state.
CREATE TABLE IF NOT EXISTS slipway.evidence
(
    event_id String, arrived_at DateTime64(3), time DateTime64(3), rollout_id String, endpoint LowCardinality(String), revision String, step Int16,
    analyser LowCardinality(String), sequence UInt64, verdict LowCardinality(String), reasons Array(String), sentence String, alpha Float64, numbers String,
    version UInt128
)
ENGINE = ReplacingMergeTree(version) PARTITION BY toYYYYMM(time) ORDER BY (rollout_id, event_id) TTL toDateTime(time) + INTERVAL 400 DAY
---
CREATE TABLE IF NOT EXISTS slipway.evidence_queue (line String)
ENGINE = Kafka
SETTINGS kafka_broker_list = '${KAFKA_BROKERS}', kafka_topic_list = 'slipway.evidence.v1', kafka_group_name = 'clickhouse.evidence',
    kafka_format = 'LineAsString', kafka_flush_interval_ms = 250, kafka_poll_timeout_ms = 100, kafka_thread_per_consumer = 1
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.evidence_ingest TO slipway.evidence AS
SELECT
    row.1 AS event_id, coalesce(arrived, now64(3)) AS arrived_at, fromUnixTimestamp64Milli(row.2) AS time, row.3 AS rollout_id, row.4 AS endpoint,
    concat(JSONExtractRaw(line, 'revision', 'epoch'), '.', JSONExtractRaw(line, 'revision', 'n')) AS revision, row.5 AS step, row.6 AS analyser, row.7 AS sequence,
    row.8 AS verdict, row.9 AS reasons, row.10 AS sentence, row.11 AS alpha, JSONExtractRaw(line, 'numbers') AS numbers,
    bitOr(bitShiftLeft(toUInt128(bitNot(toUInt64(toUnixTimestamp64Milli(coalesce(arrived, now64(3)))))), 64), toUInt128(bitNot(toUInt64(_offset)))) AS version
FROM
(
    SELECT line, _offset, _timestamp_ms AS arrived,
        JSONExtract(line, 'Tuple(event_id String, time Int64, rollout_id String, endpoint String, step Int16, analyser String, sequence UInt64, verdict String, reasons Array(String), sentence String, alpha Float64)') AS row
    FROM (SELECT slipway_row(line, _headers.value[indexOf(_headers.name, 'ce_id')]) AS line, _timestamp_ms, _topic, _partition, _offset FROM slipway.evidence_queue)
)
WHERE JSONType(line) = 'Object' AND row.1 != '' AND row.3 != '' AND abs(row.2 - toUnixTimestamp64Milli(coalesce(arrived, now64(3)))) < 35 * 86400000
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.evidence_refused TO slipway.dead_letters AS
SELECT lower(hex(SHA256(line))) AS event_id, coalesce(_timestamp_ms, now64(3)) AS arrived_at, 'clickhouse' AS consumer, _topic AS topic, toUInt32(_partition) AS partition, _offset AS `offset`,
    'evidence: not JSON, without event_id or rollout_id, or with an implausible time' AS reason, line AS raw
FROM (SELECT line, slipway_row(line, _headers.value[indexOf(_headers.name, 'ce_id')]) AS row, _timestamp_ms, _topic, _partition, _offset FROM slipway.evidence_queue)
WHERE line != '' AND NOT (JSONExtractString(row, 'event_id') != '' AND JSONExtractString(row, 'rollout_id') != ''
    AND abs(JSONExtractInt(row, 'time') - toUnixTimestamp64Milli(coalesce(_timestamp_ms, now64(3)))) < 35 * 86400000)
---
CREATE TABLE IF NOT EXISTS slipway.audit
(
    event_id String, arrived_at DateTime64(3), time DateTime64(3), aggregate String, n UInt64, actor String, role LowCardinality(String),
    action LowCardinality(String), reason String, state String, previous_hash String, hash String, version UInt128
)
ENGINE = ReplacingMergeTree(version) ORDER BY (aggregate, n, event_id)
---
CREATE TABLE IF NOT EXISTS slipway.audit_queue (line String)
ENGINE = Kafka
SETTINGS kafka_broker_list = '${KAFKA_BROKERS}', kafka_topic_list = 'slipway.audit.v1', kafka_group_name = 'clickhouse.audit',
    kafka_format = 'LineAsString', kafka_flush_interval_ms = 250, kafka_poll_timeout_ms = 100, kafka_thread_per_consumer = 1
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.audit_ingest TO slipway.audit AS
SELECT row.1 AS event_id, coalesce(arrived, now64(3)) AS arrived_at, fromUnixTimestamp64Milli(row.2) AS time, row.3 AS aggregate, row.4 AS n, row.5 AS actor, row.6 AS role,
    row.7 AS action, row.8 AS reason, JSONExtractRaw(line, 'state') AS state, row.9 AS previous_hash, row.10 AS hash,
    bitOr(bitShiftLeft(toUInt128(bitNot(toUInt64(toUnixTimestamp64Milli(coalesce(arrived, now64(3)))))), 64), toUInt128(bitNot(toUInt64(_offset)))) AS version
FROM
(
    SELECT line, _offset, _timestamp_ms AS arrived,
        JSONExtract(line, 'Tuple(event_id String, time Int64, aggregate String, n UInt64, actor String, role String, action String, reason String, previous_hash String, hash String)') AS row
    FROM (SELECT slipway_row(line, _headers.value[indexOf(_headers.name, 'ce_id')]) AS line, _timestamp_ms, _topic, _partition, _offset FROM slipway.audit_queue)
)
WHERE JSONType(line) = 'Object' AND row.1 != '' AND row.3 != ''
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.audit_refused TO slipway.dead_letters AS
SELECT lower(hex(SHA256(line))) AS event_id, coalesce(_timestamp_ms, now64(3)) AS arrived_at, 'clickhouse' AS consumer, _topic AS topic, toUInt32(_partition) AS partition, _offset AS `offset`,
    'audit: not JSON, or without event_id or aggregate' AS reason, line AS raw
FROM (SELECT line, slipway_row(line, _headers.value[indexOf(_headers.name, 'ce_id')]) AS row, _timestamp_ms, _topic, _partition, _offset FROM slipway.audit_queue)
WHERE line != '' AND NOT (JSONExtractString(row, 'event_id') != '' AND JSONExtractString(row, 'aggregate') != '')

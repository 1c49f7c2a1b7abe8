-- The control plane's own history for analysts: evidence and every change of state.
CREATE TABLE IF NOT EXISTS slipway.evidence
(
    event_id String COMMENT 'identity; a repeat is the same row, the first arrival wins',
    arrived_at DateTime64(3) COMMENT 'Kafka''s clock; orders evidence',
    time DateTime64(3) COMMENT 'the analyser''s clock; for display',
    rollout_id String COMMENT 'the rollout that was looked at',
    endpoint LowCardinality(String) COMMENT 'the rollout''s endpoint',
    revision String COMMENT 'the rollout''s revision that was looked at, as epoch.n',
    step Int16 COMMENT 'the rollout''s step, from 0',
    analyser LowCardinality(String) COMMENT 'who looked: experiment, shadow, drift and the like',
    sequence UInt64 COMMENT 'counts this analyser''s looks at this rollout; the highest is the last word',
    verdict LowCardinality(String) COMMENT 'advance, hold or rollBack',
    reasons Array(String) COMMENT 'stable codes, most important first',
    sentence String COMMENT 'the verdict in a sentence for people',
    alpha Float64 COMMENT 'the share of the rollout''s error probability that this analyser may spend, 0 to 1',
    numbers String COMMENT 'every number behind the verdict, as JSON',
    version UInt128 COMMENT 'greater for earlier arrivals (time, then offset, both inverted), so that the first wins'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY (rollout_id, event_id)
TTL toDateTime(time) + INTERVAL 400 DAY
COMMENT 'One look of one analyser at one rollout, from evidence.v1; kept 400 days'
---
CREATE TABLE IF NOT EXISTS slipway.evidence_queue (line String COMMENT 'one row or CloudEvent as JSON, as it came')
ENGINE = Kafka
SETTINGS kafka_broker_list = '${KAFKA_BROKERS}', kafka_topic_list = 'slipway.evidence.v1',
    kafka_group_name = 'clickhouse.evidence',
    kafka_format = 'LineAsString', kafka_flush_interval_ms = 500, kafka_poll_timeout_ms = 100,
    kafka_thread_per_consumer = 1
COMMENT 'The ingest''s end of evidence.v1; reading it would take the rows away: not for people'
---
CREATE TABLE IF NOT EXISTS slipway.evidence_lines AS slipway.predictions_lines
ENGINE = Null
COMMENT 'Lines of evidence_queue on their way; always empty'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.evidence_read TO slipway.evidence_lines AS
SELECT line, row, arrived, topic, kafka_partition, kafka_offset,
    if(JSONExtractString(row, 'event_id') != '' AND JSONExtractString(row, 'rollout_id') != ''
        AND abs(JSONExtractInt(row, 'time') - toUnixTimestamp64Milli(arrived)) < 35 * 86400000, '',
        'evidence: not JSON, without event_id or rollout_id, or with an implausible time') AS refusal
FROM
(
    SELECT line, slipway_row(line, _headers.value[indexOf(_headers.name, 'ce_id')]) AS row,
        coalesce(_timestamp_ms, now64(3)) AS arrived, _topic AS topic, toUInt32(_partition) AS kafka_partition,
        _offset AS kafka_offset
    FROM slipway.evidence_queue
    WHERE line != ''
)
COMMENT 'Reads what arrives in evidence_queue'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.evidence_ingest TO slipway.evidence AS
SELECT
    fields.1 AS event_id, arrived AS arrived_at, fromUnixTimestamp64Milli(fields.2) AS time,
    fields.3 AS rollout_id, fields.4 AS endpoint,
    concat(JSONExtractRaw(row, 'revision', 'epoch'), '.', JSONExtractRaw(row, 'revision', 'n')) AS revision,
    fields.5 AS step, fields.6 AS analyser, fields.7 AS sequence,
    fields.8 AS verdict, fields.9 AS reasons, fields.10 AS sentence, fields.11 AS alpha,
    JSONExtractRaw(row, 'numbers') AS numbers,
    bitOr(bitShiftLeft(toUInt128(bitNot(toUInt64(toUnixTimestamp64Milli(arrived)))), 64),
        toUInt128(bitNot(toUInt64(kafka_offset)))) AS version
FROM
(
    SELECT row, arrived, kafka_offset,
        JSONExtract(row, 'Tuple(event_id String, time Int64, rollout_id String, endpoint String, step Int16,
            analyser String, sequence UInt64, verdict String, reasons Array(String), sentence String,
            alpha Float64)') AS fields
    FROM slipway.evidence_lines
    WHERE refusal = ''
)
COMMENT 'Sends what arrives in evidence_queue to evidence'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.evidence_refused TO slipway.dead_letters AS
SELECT lower(hex(SHA256(line))) AS event_id, arrived AS arrived_at, 'clickhouse' AS consumer, topic,
    kafka_partition AS partition, kafka_offset AS `offset`, refusal AS reason, line AS raw
FROM slipway.evidence_lines
WHERE refusal != ''
COMMENT 'Sends what evidence_ingest refuses to dead_letters, with the reason'
---
CREATE TABLE IF NOT EXISTS slipway.audit
(
    event_id String COMMENT 'identity; a repeat is the same row',
    arrived_at DateTime64(3) COMMENT 'Kafka''s clock; orders evidence',
    time DateTime64(3) COMMENT 'the registry''s clock',
    aggregate String COMMENT 'what was changed, as kind/id: rollout/…, endpoint/…, model/…',
    n UInt64 COMMENT 'the change''s number within its aggregate, from 1',
    actor String COMMENT 'who did it: the name of a key, or a part of the system',
    role LowCardinality(String) COMMENT 'the role that the actor had',
    action LowCardinality(String) COMMENT 'what was done',
    reason String COMMENT 'why, in the actor''s words',
    state String COMMENT 'the aggregate''s state after the change, as JSON',
    previous_hash String COMMENT 'the hash of the change before; 64 zeros for the first',
    hash String COMMENT 'SHA-256 of everything else in the row, in hexadecimal',
    version UInt128 COMMENT 'greater for earlier arrivals (time, then offset, both inverted), so that the first wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (aggregate, n, event_id)
COMMENT 'Every change of state of the control plane, hash-chained for each aggregate, from audit.v1; kept for ever'
---
CREATE TABLE IF NOT EXISTS slipway.audit_queue (line String COMMENT 'one row or CloudEvent as JSON, as it came')
ENGINE = Kafka
SETTINGS kafka_broker_list = '${KAFKA_BROKERS}', kafka_topic_list = 'slipway.audit.v1',
    kafka_group_name = 'clickhouse.audit',
    kafka_format = 'LineAsString', kafka_flush_interval_ms = 500, kafka_poll_timeout_ms = 100,
    kafka_thread_per_consumer = 1
COMMENT 'The ingest''s end of audit.v1; reading it would take the rows away: not for people'
---
CREATE TABLE IF NOT EXISTS slipway.audit_lines AS slipway.predictions_lines
ENGINE = Null
COMMENT 'Lines of audit_queue on their way; always empty'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.audit_read TO slipway.audit_lines AS
SELECT line, row, arrived, topic, kafka_partition, kafka_offset,
    if(JSONExtractString(row, 'event_id') != '' AND JSONExtractString(row, 'aggregate') != '', '',
        'audit: not JSON, or without event_id or aggregate') AS refusal
FROM
(
    SELECT line, slipway_row(line, _headers.value[indexOf(_headers.name, 'ce_id')]) AS row,
        coalesce(_timestamp_ms, now64(3)) AS arrived, _topic AS topic, toUInt32(_partition) AS kafka_partition,
        _offset AS kafka_offset
    FROM slipway.audit_queue
    WHERE line != ''
)
COMMENT 'Reads what arrives in audit_queue'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.audit_ingest TO slipway.audit AS
SELECT fields.1 AS event_id, arrived AS arrived_at, fromUnixTimestamp64Milli(fields.2) AS time,
    fields.3 AS aggregate, fields.4 AS n, fields.5 AS actor, fields.6 AS role,
    fields.7 AS action, fields.8 AS reason, JSONExtractRaw(row, 'state') AS state, fields.9 AS previous_hash,
    fields.10 AS hash,
    bitOr(bitShiftLeft(toUInt128(bitNot(toUInt64(toUnixTimestamp64Milli(arrived)))), 64),
        toUInt128(bitNot(toUInt64(kafka_offset)))) AS version
FROM
(
    SELECT row, arrived, kafka_offset,
        JSONExtract(row, 'Tuple(event_id String, time Int64, aggregate String, n UInt64, actor String, role String,
            action String, reason String, previous_hash String, hash String)') AS fields
    FROM slipway.audit_lines
    WHERE refusal = ''
)
COMMENT 'Sends what arrives in audit_queue to audit'
---
CREATE MATERIALIZED VIEW IF NOT EXISTS slipway.audit_refused TO slipway.dead_letters AS
SELECT lower(hex(SHA256(line))) AS event_id, arrived AS arrived_at, 'clickhouse' AS consumer, topic,
    kafka_partition AS partition, kafka_offset AS `offset`, refusal AS reason, line AS raw
FROM slipway.audit_lines
WHERE refusal != ''
COMMENT 'Sends what audit_ingest refuses to dead_letters, with the reason'

-- How each table is stored. Its columns, ${…}, come from its row's declaration (libs/contracts/src/rows), and so do
-- columns that are declared later: they are added when the migrations run. Other changes of a table are numbered files.
-- Sorted for those who read: endpoint, rollout, and the event's id, which is mostly a UUIDv7 and sorts by time. Rows of
-- one key are one row, so a key has only what all copies of an event have alike, and no time: a service that sends an
-- event again often gives it the time of the second try. The first copy to arrive wins (`version`).
CREATE TABLE IF NOT EXISTS slipway.dead_letters
(
    ${dead_letters}
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(arrived_at)
ORDER BY (topic, partition, `offset`, event_id)
TTL toDateTime(arrived_at) + INTERVAL 90 DAY
---
CREATE TABLE IF NOT EXISTS slipway.predictions
(
    ${predictions},
    INDEX by_arrival arrived_at TYPE minmax GRANULARITY 1,
    INDEX by_shadow shadow_rollout_id TYPE set(64) GRANULARITY 1,
    INDEX by_request request_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY (endpoint, rollout_id, event_id)
TTL toDateTime(time) + INTERVAL 400 DAY
---
CREATE TABLE IF NOT EXISTS slipway.outcomes
(
    ${outcomes},
    INDEX by_arrival arrived_at TYPE minmax GRANULARITY 1,
    INDEX by_request request_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY (endpoint, event_id)
TTL toDateTime(time) + INTERVAL 400 DAY
---
CREATE TABLE IF NOT EXISTS slipway.comparisons
(
    ${comparisons},
    INDEX by_arrival arrived_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY (endpoint, rollout_id, step, event_id)
TTL toDateTime(time) + INTERVAL 400 DAY
---
CREATE TABLE IF NOT EXISTS slipway.evidence
(
    ${evidence}
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY (rollout_id, time, event_id)
TTL toDateTime(time) + INTERVAL 400 DAY
---
CREATE TABLE IF NOT EXISTS slipway.audit
(
    ${audit}
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (aggregate, n, event_id)
---
CREATE TABLE IF NOT EXISTS slipway.retraining
(
    ${retraining}
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (model, event_id)
---
-- Values that landed and are of no use as they are; the ingest of every table counts them here (and every candidate's
-- arm of a rollout, which the view leaves out once it is known). An event counts once, however often it comes.
CREATE TABLE IF NOT EXISTS slipway.unknown_value_counts
(
    `table` LowCardinality(String) COMMENT 'the table that has the rows',
    `column` LowCardinality(String) COMMENT 'the column that they have it in',
    value String COMMENT 'the value, as text',
    within String COMMENT 'the rollout, where each has values of its own; else empty',
    event_ids AggregateFunction(uniqCombined64(12), String) COMMENT 'the rows that have it',
    first_arrived_at SimpleAggregateFunction(min, DateTime64(3)) COMMENT 'the first of them, by Kafka''s clock',
    last_arrived_at SimpleAggregateFunction(max, DateTime64(3)) COMMENT 'the last of them, by Kafka''s clock'
)
ENGINE = AggregatingMergeTree
ORDER BY (`table`, `column`, within, value)
TTL toDateTime(last_arrived_at) + INTERVAL 400 DAY
COMMENT 'What unknown_values is made of: values that may be of no use for their column'

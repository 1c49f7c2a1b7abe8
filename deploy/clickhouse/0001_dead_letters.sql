-- What nobody could use: rows that our own views refuse, and records that consumers refused (dead-letters.v1).
CREATE TABLE IF NOT EXISTS slipway.dead_letters
(
    event_id String,
    arrived_at DateTime64(3),
    consumer LowCardinality(String),
    topic LowCardinality(String),
    partition UInt32,
    `offset` UInt64,
    reason String,
    raw String
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(arrived_at)
ORDER BY (topic, partition, `offset`, event_id)
TTL toDateTime(arrived_at) + INTERVAL 90 DAY
---
CREATE TABLE IF NOT EXISTS slipway.dead_letters_queue (line String)
ENGINE = Kafka
SETTINGS kafka_broker_list = '${KAFKA_BROKERS}', kafka_topic_list = 'slipway.dead-letters.v1', kafka_group_name = 'clickhouse.dead-letters',
    kafka_format = 'LineAsString', kafka_flush_interval_ms = 250, kafka_poll_timeout_ms = 100, kafka_thread_per_consumer = 1
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
        JSONExtract(line, 'Tuple(event_id String, consumer String, topic String, partition UInt32, offset String, reason String, raw String)') AS row
    FROM slipway.dead_letters_queue
)

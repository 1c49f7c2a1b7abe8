-- What a look reads: the same rows as in `predictions` and `outcomes`, without what a verdict does not need, sorted by
-- the unit that they are about. A look reads the units that something new is known of, however many others there are.
-- The ingest keeps them (`ingest/*.sql`). Repeats are rows here; counts use the first copy of an id. A
-- projection is stored with its table's part, so it is always complete.
CREATE TABLE IF NOT EXISTS slipway.unit_exposures
(
    endpoint LowCardinality(String) COMMENT 'the endpoint that was asked',
    rollout_id LowCardinality(String) COMMENT 'the rollout that drew the arm',
    unit String COMMENT 'what is randomised (user, session, request)',
    arrived_at DateTime64(3) COMMENT 'Kafka''s clock; orders evidence',
    request String COMMENT 'sipHash64 of the request id, in hexadecimal',
    settled_at DateTime64(6) COMMENT 'arrived_at, moved to when either arm would have told alike how it ended',
    row String COMMENT 'what a look reads of it, as text: ids, times, step, probability, latency, flags, position, arm',
    outputs Map(LowCardinality(String), String) COMMENT 'every output of the answer by name',
    kafka_partition UInt32 COMMENT 'where its record lies',
    kafka_offset UInt64 COMMENT 'the record''s offset in that partition',
    PROJECTION by_arrival
    (
        SELECT endpoint, rollout_id, arrived_at, unit, settled_at, kafka_partition, kafka_offset
        ORDER BY endpoint, rollout_id, arrived_at
    ),
    PROJECTION by_request (SELECT endpoint, rollout_id, request, unit ORDER BY endpoint, rollout_id, request),
    PROJECTION positions
    (
        SELECT endpoint, rollout_id, kafka_partition, max(kafka_offset), max(arrived_at)
        GROUP BY endpoint, rollout_id, kafka_partition
    )
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(arrived_at)
ORDER BY (endpoint, rollout_id, unit, arrived_at)
TTL toDateTime(arrived_at) + INTERVAL 400 DAY
SETTINGS index_granularity = 128, min_compress_block_size = 4096, max_compress_block_size = 16384
COMMENT 'One row is a request by which a unit was exposed to an arm, by unit: what looks read'
---
CREATE TABLE IF NOT EXISTS slipway.unit_outcomes
(
    endpoint LowCardinality(String) COMMENT 'the endpoint that it is about',
    name LowCardinality(String) COMMENT 'which fact: metrics refer to it',
    about String COMMENT 'u and the unit, or r and sipHash64 of the request id, in hexadecimal',
    arrived_at DateTime64(3) COMMENT 'Kafka''s clock; orders evidence',
    event_id String COMMENT 'the outcome''s',
    time DateTime64(3) COMMENT 'the clock of the reporter',
    value String COMMENT 'as text: numbers and booleans in their JSON form',
    number Nullable(Float64) COMMENT 'the value when it is a number; 1 and 0 for booleans',
    kafka_partition UInt32 COMMENT 'where its record lies',
    kafka_offset UInt64 COMMENT 'the record''s offset in that partition',
    PROJECTION by_arrival
    (
        SELECT endpoint, name, arrived_at, about, kafka_partition, kafka_offset ORDER BY endpoint, name, arrived_at
    ),
    PROJECTION positions
    (
        SELECT endpoint, kafka_partition, max(kafka_offset), max(arrived_at) GROUP BY endpoint, kafka_partition
    )
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(arrived_at)
ORDER BY (endpoint, name, about, arrived_at)
TTL toDateTime(arrived_at) + INTERVAL 400 DAY
SETTINGS index_granularity = 128, min_compress_block_size = 4096, max_compress_block_size = 16384
COMMENT 'One row is a business fact, by the unit or request that it is about: what looks read'

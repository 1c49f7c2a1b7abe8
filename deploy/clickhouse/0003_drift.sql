-- Histograms of features, by slice of arrival time (services/drift-monitor/src/histogram). A slice that is counted
-- again replaces what was counted before: the count that saw more rows wins.
CREATE TABLE IF NOT EXISTS slipway.drift_counts
(
    endpoint LowCardinality(String) COMMENT 'the name that the callers asked',
    bins LowCardinality(String) COMMENT 'names the edges and categories that were counted by',
    span_ms UInt32 COMMENT 'length of a slice, in milliseconds',
    slice UInt64 COMMENT 'number of the slice: its begin, in milliseconds since the epoch, is slice * span_ms',
    began DateTime64(3) DEFAULT fromUnixTimestamp64Milli(toInt64(slice * span_ms))
        COMMENT 'begin of the slice, by Kafka''s clock',
    rollout_id LowCardinality(String) COMMENT 'empty when no rollout was under way',
    arm LowCardinality(String) COMMENT 'the arm that the requests were assigned to',
    served_version LowCardinality(String) COMMENT 'model:version that answered',
    compared Bool COMMENT 'randomised, and answered by its own arm: arms are compared on these',
    rows UInt64 COMMENT 'answered requests',
    inputs UInt64 COMMENT 'of them, those whose row tells features of the request',
    outputs UInt64 COMMENT 'of them, those whose row tells features of the answer',
    counts Map(LowCardinality(String), Array(UInt64)) COMMENT
        'by feature: values in each bin; what is missing of inputs or outputs had no value',
    seen UInt64 COMMENT 'copies of rows that the slice had when it was counted'
)
ENGINE = ReplacingMergeTree(seen)
PARTITION BY toYYYYMM(began)
ORDER BY (endpoint, bins, span_ms, slice, rollout_id, arm, served_version, compared)
TTL toDateTime(began) + INTERVAL 100 DAY
COMMENT 'One row is what arrived in a slice of time for one endpoint, arm and version, counted by the bins of a profile'

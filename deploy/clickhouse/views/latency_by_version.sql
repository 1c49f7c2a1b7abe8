CREATE OR REPLACE VIEW slipway.latency_by_version AS
SELECT endpoint, served_version, toStartOfMinute(arrived_at) AS minute, count() AS requests,
    quantile(0.5)(latency_us) AS p50_us, quantile(0.9)(latency_us) AS p90_us, quantile(0.99)(latency_us) AS p99_us,
    avg(queue_us) AS mean_queue_us, avg(compute_us) AS mean_compute_us, avg(batch_size) AS mean_batch_size
FROM slipway.predictions FINAL
WHERE served_version != ''
GROUP BY endpoint, served_version, minute
---
ALTER TABLE slipway.latency_by_version
    MODIFY COMMENT 'One row is a minute of one version at one endpoint',
    COMMENT COLUMN endpoint 'the endpoint that was asked',
    COMMENT COLUMN served_version 'model:version that answered',
    COMMENT COLUMN minute 'the minute''s start, by Kafka''s clock',
    COMMENT COLUMN requests 'requests served in it',
    COMMENT COLUMN p50_us 'half of the requests took at most so many microseconds, as their callers waited',
    COMMENT COLUMN p90_us 'nine of ten took at most so many microseconds',
    COMMENT COLUMN p99_us '99 of 100 took at most so many microseconds',
    COMMENT COLUMN mean_queue_us 'mean wait for a batch, in microseconds',
    COMMENT COLUMN mean_compute_us 'mean computing, in microseconds',
    COMMENT COLUMN mean_batch_size 'mean number of requests that were computed together'

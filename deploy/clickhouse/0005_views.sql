-- What analysts read. Plain names; every view reads FINAL, so a repeated row counts once.
CREATE OR REPLACE VIEW slipway.exposures AS
SELECT rollout_id, step, unit, assigned_arm AS arm, min(arrived_at) AS first_exposed_at, count() AS requests,
    any(endpoint) AS endpoint
FROM slipway.predictions FINAL
WHERE reason = 'randomised' AND rollout_id != ''
GROUP BY rollout_id, step, unit, arm
---
-- One row per outcome, beside the prediction that it belongs to: the request's own, or the unit's last before it.
CREATE OR REPLACE VIEW slipway.prediction_outcomes AS
SELECT o.event_id AS outcome_id, o.name AS name, o.value AS value, o.number AS number, o.arrived_at AS outcome_arrived_at, p.event_id AS prediction_id, p.request_id AS request_id,
    p.arrived_at AS predicted_at, p.endpoint AS endpoint, p.rollout_id AS rollout_id, p.step AS step, p.unit AS unit, p.assigned_arm AS arm, p.reason AS reason,
    p.served_version AS served_version, p.outputs AS outputs
FROM slipway.outcomes AS o FINAL
INNER JOIN slipway.predictions AS p FINAL ON p.request_id = o.request_id AND p.endpoint = o.endpoint
WHERE o.request_id != ''
UNION ALL
SELECT o.event_id, o.name, o.value, o.number, o.arrived_at, p.event_id, p.request_id, p.arrived_at, p.endpoint, p.rollout_id, p.step, p.unit, p.assigned_arm, p.reason, p.served_version, p.outputs
FROM (SELECT * FROM slipway.outcomes FINAL WHERE unit != '') AS o
ASOF INNER JOIN (SELECT * FROM slipway.predictions FINAL WHERE unit != '') AS p ON p.unit = o.unit AND p.endpoint = o.endpoint AND p.arrived_at <= o.arrived_at
---
CREATE OR REPLACE VIEW slipway.latency_by_version AS
SELECT endpoint, served_version, toStartOfMinute(arrived_at) AS minute, count() AS requests,
    quantile(0.5)(latency_us) AS p50_us, quantile(0.9)(latency_us) AS p90_us, quantile(0.99)(latency_us) AS p99_us,
    avg(queue_us) AS mean_queue_us, avg(compute_us) AS mean_compute_us, avg(batch_size) AS mean_batch_size
FROM slipway.predictions FINAL
WHERE served_version != ''
GROUP BY endpoint, served_version, minute
---
CREATE OR REPLACE VIEW slipway.rollout_timeline AS
SELECT time, substring(aggregate, 9) AS rollout_id, 'change' AS what, action AS name, reason AS sentence, actor
FROM slipway.audit FINAL WHERE startsWith(aggregate, 'rollout/')
UNION ALL
SELECT time, rollout_id, 'evidence' AS what, verdict AS name, sentence, analyser AS actor
FROM slipway.evidence FINAL
---
-- (router, boot, sequence) makes gaps countable: what a router answered beyond what has landed.
CREATE OR REPLACE VIEW slipway.router_accounting AS
SELECT router, boot, uniqExact(sequence) AS landed, max(sequence) + 1 AS answered_at_least,
    answered_at_least - landed AS missing
FROM slipway.predictions WHERE router != '' GROUP BY router, boot

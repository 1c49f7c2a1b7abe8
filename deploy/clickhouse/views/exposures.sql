CREATE OR REPLACE VIEW slipway.exposures AS
SELECT rollout_id, step, unit, assigned_arm AS arm, min(arrived_at) AS first_exposed_at, count() AS requests,
    any(endpoint) AS endpoint
FROM slipway.predictions FINAL
WHERE reason IN ('randomised', 'ejected') AND (rollout_id, assigned_arm) IN (SELECT rollout_id, arm FROM slipway.arms)
GROUP BY rollout_id, step, unit, arm
---
ALTER TABLE slipway.exposures
    MODIFY COMMENT 'One row is a unit''s stay in one arm of one step; only randomised requests count',
    COMMENT COLUMN rollout_id 'the rollout',
    COMMENT COLUMN step 'its step, from 0',
    COMMENT COLUMN unit 'what is randomised: a user, a session, a request',
    COMMENT COLUMN arm 'control, or the name of a candidate, as assigned',
    COMMENT COLUMN first_exposed_at 'arrival of the unit''s first request in this step, by Kafka''s clock',
    COMMENT COLUMN requests 'requests of the unit in this step',
    COMMENT COLUMN endpoint 'the rollout''s endpoint'

-- sampled = paired + failed + expired + shed + pending, from distinct ids.
CREATE OR REPLACE VIEW slipway.shadow_accounting AS
SELECT rollout_id, step, uniqExact(request_id) AS sampled, uniqExactIf(request_id, state = 'paired') AS paired,
    uniqExactIf(request_id, state = 'failed') AS failed, uniqExactIf(request_id, state = 'expired') AS expired,
    uniqExactIf(request_id, state = 'shed') AS shed, sampled - uniqExactIf(request_id, state != 'sampled') AS pending
FROM
(
    SELECT shadow_rollout_id AS rollout_id, shadow_step AS step, request_id, 'sampled' AS state
        FROM slipway.predictions FINAL WHERE shadow_rollout_id != ''
    UNION ALL
    SELECT rollout_id, step, request_id, result AS state FROM slipway.comparisons FINAL
        WHERE result IN ('paired', 'failed', 'expired', 'shed')
)
GROUP BY rollout_id, step
---
ALTER TABLE slipway.shadow_accounting
    MODIFY COMMENT 'One row is a shadow step: sampled = paired + failed + expired + shed + pending, from distinct ids',
    COMMENT COLUMN rollout_id 'the rollout',
    COMMENT COLUMN step 'its step, from 0',
    COMMENT COLUMN sampled 'requests that the routers sampled',
    COMMENT COLUMN paired 'both answers are there',
    COMMENT COLUMN failed 'the candidate gave no answer',
    COMMENT COLUMN expired 'too old before the candidate was asked',
    COMMENT COLUMN shed 'not asked, to spare the serving',
    COMMENT COLUMN pending 'not ended yet'

CREATE OR REPLACE VIEW slipway.rollout_timeline AS
SELECT time, substring(aggregate, 9) AS rollout_id, 'change' AS what, action AS name, reason AS sentence, actor
FROM slipway.audit FINAL WHERE startsWith(aggregate, 'rollout/')
UNION ALL
SELECT time, rollout_id, 'evidence' AS what, verdict AS name, sentence, analyser AS actor
FROM slipway.evidence FINAL
---
ALTER TABLE slipway.rollout_timeline
    MODIFY COMMENT 'One row is a change of a rollout, or a piece of evidence on it',
    COMMENT COLUMN time 'by the clock of the writer',
    COMMENT COLUMN rollout_id 'the rollout',
    COMMENT COLUMN what 'change or evidence',
    COMMENT COLUMN name 'the change''s action, or the evidence''s verdict',
    COMMENT COLUMN sentence 'the change''s reason, or the evidence''s sentence',
    COMMENT COLUMN actor 'who changed it, or which analyser looked'

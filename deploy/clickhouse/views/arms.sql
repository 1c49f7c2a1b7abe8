-- A rollout's first audit row says what it tries, and that stays so. An only candidate's arm is called candidate.
CREATE OR REPLACE VIEW slipway.arms AS
SELECT substring(aggregate, 9) AS rollout_id, each.1 AS arm,
    concat(JSONExtractString(each.2, 'model'), ':', JSONExtractRaw(each.2, 'version')) AS version
FROM slipway.audit FINAL
ARRAY JOIN arrayConcat(
    [('control', JSONExtractRaw(state, 'control'))],
    if(JSONHas(state, 'spec', 'candidate'), [('candidate', JSONExtractRaw(state, 'spec', 'candidate'))], []),
    arrayMap(c -> (JSONExtractString(c, 'name'), c), JSONExtractArrayRaw(state, 'spec', 'candidates'))) AS each
WHERE n = 1 AND startsWith(aggregate, 'rollout/')
---
ALTER TABLE slipway.arms
    MODIFY COMMENT 'One row is an arm of a rollout: control or a candidate',
    COMMENT COLUMN rollout_id 'the rollout',
    COMMENT COLUMN arm 'control, or the name of a candidate, as in assigned_arm',
    COMMENT COLUMN version 'model:version that it serves'

-- One row for each place where two answers differ, with the request.
CREATE OR REPLACE VIEW slipway.discrepancies AS
SELECT c.event_id AS event_id, c.arrived_at AS arrived_at, c.endpoint AS endpoint, c.rollout_id AS rollout_id,
    c.step AS step, c.request_id AS request_id, c.trace_id AS trace_id,
    c.control_version AS control_version, c.candidate_version AS candidate_version, c.result AS result,
    c.reason AS reason, d.field AS field, d.kind AS kind, d.control AS control, d.candidate AS candidate,
    c.noise AS noise, c.noise_agree AS noise_agree
FROM slipway.comparisons AS c FINAL
ARRAY JOIN if(empty(c.differences) AND NOT c.agree,
    [('(whole)', 'missing', '', c.reason)]::Array(Tuple(field String, kind String, control String, candidate String)),
    c.differences) AS d
WHERE NOT c.agree
---
ALTER TABLE slipway.discrepancies
    MODIFY COMMENT 'One row is a place in which the two answers to a sampled request differ',
    COMMENT COLUMN event_id 'the comparison''s',
    COMMENT COLUMN arrived_at 'Kafka''s clock',
    COMMENT COLUMN endpoint 'the endpoint that was asked',
    COMMENT COLUMN rollout_id 'the rollout whose shadow sampled the request',
    COMMENT COLUMN step 'the step of that rollout, from 0',
    COMMENT COLUMN request_id 'the sampled request',
    COMMENT COLUMN trace_id 'W3C trace id, 32 hexadecimal digits; empty when there is none',
    COMMENT COLUMN control_version 'model:version that served the request',
    COMMENT COLUMN candidate_version 'model:version that was asked in the shadow',
    COMMENT COLUMN result 'paired, failed, expired or shed',
    COMMENT COLUMN reason 'why there is no pair; empty when there is one',
    COMMENT COLUMN field 'where they differ; (whole) when the candidate gave no answer',
    COMMENT COLUMN kind 'how they differ: number, class, top_k, text, type, missing, extra, length',
    COMMENT COLUMN control 'the control''s value, as text',
    COMMENT COLUMN candidate 'the candidate''s value, as text',
    COMMENT COLUMN noise 'the control was asked once more',
    COMMENT COLUMN noise_agree 'the control agreed with itself when it was asked once more'

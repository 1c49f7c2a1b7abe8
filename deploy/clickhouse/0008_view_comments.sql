-- What views and their columns mean. (Those of tables stand in their CREATE statements; a materialized view's columns
-- get the comments of its target's when the migrations are applied.)
ALTER TABLE slipway.exposures
    MODIFY COMMENT 'One row is a unit''s stay in one arm of one step; only randomised requests count',
    COMMENT COLUMN rollout_id 'the rollout',
    COMMENT COLUMN step 'its step, from 0',
    COMMENT COLUMN unit 'what is randomised: a user, a session, a request',
    COMMENT COLUMN arm 'control or candidate, as assigned',
    COMMENT COLUMN first_exposed_at 'arrival of the unit''s first request in this step, by Kafka''s clock',
    COMMENT COLUMN requests 'requests of the unit in this step',
    COMMENT COLUMN endpoint 'the rollout''s endpoint'
---
ALTER TABLE slipway.prediction_outcomes
    MODIFY COMMENT 'One row is an outcome in a rollout, beside the prediction there that it belongs to',
    COMMENT COLUMN outcome_id 'event_id of the outcome',
    COMMENT COLUMN name 'which fact: metrics refer to it',
    COMMENT COLUMN value 'as text: numbers and booleans in their JSON form',
    COMMENT COLUMN number 'the value when it is a number; 1 and 0 for booleans',
    COMMENT COLUMN outcome_arrived_at 'arrival of the outcome, by Kafka''s clock',
    COMMENT COLUMN prediction_id 'event_id of the prediction',
    COMMENT COLUMN request_id 'the request that was served',
    COMMENT COLUMN predicted_at 'arrival of the prediction, by Kafka''s clock',
    COMMENT COLUMN endpoint 'the endpoint that was asked',
    COMMENT COLUMN rollout_id 'empty when no rollout was under way',
    COMMENT COLUMN step 'the rollout''s step, from 0; -1 when no rollout was under way',
    COMMENT COLUMN unit 'what is randomised; empty when the request named none',
    COMMENT COLUMN arm 'control or candidate, as assigned',
    COMMENT COLUMN reason 'why it went to its arm; "randomised" and "ejected" are exposures',
    COMMENT COLUMN served_version 'model:version that answered',
    COMMENT COLUMN outputs 'every output tensor of the answer by its name',
    COMMENT COLUMN exposed_at 'when the unit''s stay in this arm of this step began; NULL for what is not compared',
    COMMENT COLUMN counted_by 'the rollout''s metrics that read the outcome and in whose window it came'
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
---
ALTER TABLE slipway.rollout_timeline
    MODIFY COMMENT 'One row is a change of a rollout, or a piece of evidence on it',
    COMMENT COLUMN time 'by the clock of whoever wrote it',
    COMMENT COLUMN rollout_id 'the rollout',
    COMMENT COLUMN what 'change or evidence',
    COMMENT COLUMN name 'the change''s action, or the evidence''s verdict',
    COMMENT COLUMN sentence 'the change''s reason, or the evidence''s sentence',
    COMMENT COLUMN actor 'who changed it, or which analyser looked'
---
ALTER TABLE slipway.router_accounting
    MODIFY COMMENT 'One row is a run of a router: what landed here of what it answered',
    COMMENT COLUMN router 'the router',
    COMMENT COLUMN boot 'that router''s run: another one after each start',
    COMMENT COLUMN landed 'rows that are here, by distinct sequence',
    COMMENT COLUMN answered_at_least 'requests that the run has answered, as far as its rows tell',
    COMMENT COLUMN missing 'answered and not here: in a journal, on their way, or lost'
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

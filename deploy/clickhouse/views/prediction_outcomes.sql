-- One row for each outcome and rollout, with the prediction that the outcome belongs to: the request's own, or the
-- unit's last one before the outcome in that rollout (and one with an empty rollout_id when the unit was also served
-- outside of rollouts). `counted_by` names the rollout's metrics that read the outcome and whose window it falls into,
-- by the same rules as the verdict (experiment-stats, outcome-units.ts): everything by arrival at Kafka; per
-- `exposed`, from the unit's first exposure to the step at that share (`exposed_at`), otherwise from the prediction.
-- No metric counts an outcome whose prediction is not a compared exposure (forced, ejected, a unit in both arms), or
-- that arrived after the unit's first request in that rollout that its own arm did not answer (for a label that is
-- compared with an output: a label of a later answer).
CREATE OR REPLACE VIEW slipway.prediction_outcomes AS
WITH
    logged AS
    (
        SELECT event_id, time, arrived_at, request_id, endpoint, rollout_id, step, unit, assigned_arm, reason,
            served_version, outputs,
            status >= 400 OR fallback_from != '' OR error_code = 'late' AS failed,
            round(if(assigned_arm = 'control', 1 - probability, probability), 9) AS share,
            (rollout_id, assigned_arm) IN (SELECT rollout_id, arm FROM slipway.arms) AS of_arm
        FROM slipway.predictions FINAL
    ),
    crossed AS
    (
        SELECT rollout_id, unit FROM logged
        WHERE of_arm AND reason IN ('randomised', 'ejected')
        GROUP BY rollout_id, unit
        -- Several candidates have fixed shares.
        HAVING uniqExactIf(assigned_arm, assigned_arm != 'control') > 1 OR (uniqExact(assigned_arm) > 1
            AND maxIf(share, assigned_arm = 'control') >= minIf(share, assigned_arm != 'control'))
    ),
    served AS
    (
        SELECT *, of_arm AND reason = 'randomised'
            AND (rollout_id, unit) NOT IN (SELECT rollout_id, unit FROM crossed) AS compares
        FROM logged
    ),
    -- Grouped and joined at the end: a window over all predictions took most of the time of a query.
    failures AS
    (
        SELECT true AS found, rollout_id, unit, min(arrived_at) AS failed_at FROM logged
        WHERE failed AND reason = 'randomised' AND of_arm
        GROUP BY rollout_id, unit
    ),
    -- What an outcome by unit may belong to: and of rows that arrived together (one Kafka record) the last by the
    -- router's clock.
    eligible AS (SELECT * FROM served WHERE compares OR (rollout_id = '' AND unit != '')),
    candidates AS
    (
        SELECT * FROM eligible
        ORDER BY arrived_at, time DESC, lower(hex(sipHash64(request_id))) DESC
        LIMIT 1 BY endpoint, unit, rollout_id, arrived_at
    ),
    -- A unit's stay in one arm of one step: when it began.
    stays AS
    (
        SELECT rollout_id, step, share, assigned_arm, unit, min(arrived_at) AS exposed_at FROM served WHERE compares
        GROUP BY rollout_id, step, share, assigned_arm, unit
    ),
    -- A rollout's first audit row has the metrics as they were declared when it was created, and they stay so.
    readers AS
    (
        SELECT substring(aggregate, 9) AS rollout_id,
            arrayMap(m -> (
                JSONExtractString(m, 'name'),
                JSONExtractString(m, 'source', 'outcome'),
                JSONExtractString(m, 'per'),
                concat(JSONExtractString(m, 'source', 'compare', 'differs_from'),
                    JSONExtractString(m, 'source', 'compare', 'equals')),
                toInt64(toFloat64OrZero(extract(JSONExtractString(m, 'window'), '^[0-9.]+'))
                    * transform(extract(JSONExtractString(m, 'window'), '[a-z]+$'),
                        ['ms', 's', 'm', 'h', 'd'], [1, 1000, 60000, 3600000, 86400000], 0))
            ), arrayFilter(m -> JSONHas(m, 'source', 'outcome'), JSONExtractArrayRaw(state, 'metrics')))
            ::Array(Tuple(name String, outcome String, per String, output String, window Int64)) AS metrics
        FROM slipway.audit FINAL WHERE n = 1 AND startsWith(aggregate, 'rollout/')
    ),
    facts AS
    (
        SELECT event_id, time, arrived_at, endpoint, name, value, number, unit, request_id FROM slipway.outcomes FINAL
    ),
    pairs AS
    (
        SELECT o.event_id AS outcome_id, o.name AS name, o.value AS value, o.number AS number, o.arrived_at AS posted,
            p.event_id AS prediction_id, p.arrived_at AS predicted_at, p.request_id AS request_id,
            p.endpoint AS endpoint, p.rollout_id AS rollout_id, p.step AS step, p.share AS share, p.unit AS unit,
            p.assigned_arm AS assigned_arm, p.reason AS reason, p.served_version AS served_version,
            p.outputs AS outputs, p.compares AS compares
        FROM (SELECT * FROM facts WHERE request_id != '') AS o
        INNER JOIN served AS p ON p.request_id = o.request_id AND p.endpoint = o.endpoint
        UNION ALL
        SELECT o.event_id, o.name, o.value, o.number, o.arrived_at, p.event_id, p.arrived_at,
            p.request_id, p.endpoint, p.rollout_id, p.step, p.share, p.unit, p.assigned_arm, p.reason,
            p.served_version, p.outputs, p.compares
        FROM (
            SELECT f.event_id AS event_id, f.name AS name, f.value AS value, f.number AS number,
                f.arrived_at AS arrived_at, f.endpoint AS endpoint, f.unit AS unit, r.rollout_id AS rollout_id
            FROM (SELECT * FROM facts WHERE unit != '') AS f
            INNER JOIN (SELECT DISTINCT endpoint, unit, rollout_id FROM eligible) AS r
                ON r.endpoint = f.endpoint AND r.unit = f.unit) AS o
        ASOF INNER JOIN candidates AS p
            ON p.endpoint = o.endpoint AND p.unit = o.unit AND p.rollout_id = o.rollout_id
            AND p.arrived_at <= o.arrived_at
        UNION ALL
        -- It overtook the unit's first prediction, which waited in a router's journal.
        SELECT o.event_id, o.name, o.value, o.number, o.arrived_at, p.event_id, p.arrived_at,
            p.request_id, p.endpoint, p.rollout_id, p.step, p.share, p.unit, p.assigned_arm, p.reason,
            p.served_version, p.outputs, p.compares
        FROM (SELECT * FROM facts WHERE unit != '') AS o
        INNER JOIN (
            SELECT * FROM eligible ORDER BY arrived_at, time, lower(hex(sipHash64(request_id)))
            LIMIT 1 BY endpoint, unit, rollout_id) AS p
            ON p.endpoint = o.endpoint AND p.unit = o.unit
        WHERE p.arrived_at > o.arrived_at AND p.arrived_at <= o.arrived_at + INTERVAL 1 HOUR AND p.time <= o.time
    )
SELECT o.outcome_id AS outcome_id, o.name AS name, o.value AS value, o.number AS number,
    o.posted AS outcome_arrived_at, o.prediction_id AS prediction_id, o.request_id AS request_id,
    o.predicted_at AS predicted_at, o.endpoint AS endpoint, o.rollout_id AS rollout_id, o.step AS step, o.unit AS unit,
    o.assigned_arm AS arm, o.reason AS reason, o.served_version AS served_version, o.outputs AS outputs,
    if(o.compares, x.exposed_at, NULL) AS exposed_at,
    arrayMap(m -> m.name, arrayFilter(m -> o.compares AND m.outcome = o.name
        AND (m.output = '' OR (mapContains(o.outputs, m.output) AND NOT slipway_is_list(o.outputs[m.output])))
        AND (ifNull(NOT f.found, true)
            OR (o.predicted_at < f.failed_at AND (m.output != '' OR o.posted < f.failed_at)))
        AND o.posted <= if(m.per = 'exposed', x.exposed_at, o.predicted_at) + toIntervalMillisecond(m.window),
        r.metrics)) AS counted_by
FROM pairs AS o
LEFT JOIN stays AS x ON x.rollout_id = o.rollout_id AND x.step = o.step AND x.share = o.share
    AND x.assigned_arm = o.assigned_arm AND x.unit = o.unit
LEFT JOIN failures AS f ON f.rollout_id = o.rollout_id AND f.unit = o.unit
LEFT JOIN readers AS r ON r.rollout_id = o.rollout_id
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
    COMMENT COLUMN arm 'control, or the name of a candidate, as assigned',
    COMMENT COLUMN reason 'why it went to its arm; "randomised" and "ejected" are exposures',
    COMMENT COLUMN served_version 'model:version that answered',
    COMMENT COLUMN outputs 'every output tensor of the answer by its name',
    COMMENT COLUMN exposed_at 'when the unit''s stay in this arm of this step began; NULL for what is not compared',
    COMMENT COLUMN counted_by 'the rollout''s metrics that read the outcome and in whose window it came'

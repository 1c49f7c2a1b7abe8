-- A JSON list would be taken for a row by its positions: only objects are rows.
ALTER TABLE slipway.evidence_ingest MODIFY QUERY
SELECT
    row.1 AS event_id, coalesce(arrived, now64(3)) AS arrived_at, fromUnixTimestamp64Milli(row.2) AS time, row.3 AS rollout_id, row.4 AS endpoint,
    concat(JSONExtractRaw(line, 'revision', 'epoch'), '.', JSONExtractRaw(line, 'revision', 'n')) AS revision, row.5 AS step, row.6 AS analyser, row.7 AS sequence,
    row.8 AS verdict, row.9 AS reasons, row.10 AS sentence, row.11 AS alpha, JSONExtractRaw(line, 'numbers') AS numbers,
    toUInt64(9000000000000000000 - toUnixTimestamp64Milli(coalesce(arrived, now64(3)))) AS version
FROM
(
    SELECT line, _timestamp_ms AS arrived,
        JSONExtract(line, 'Tuple(event_id String, time Int64, rollout_id String, endpoint String, step Int16, analyser String, sequence UInt64, verdict String, reasons Array(String), sentence String, alpha Float64)') AS row
    FROM slipway.evidence_queue
)
WHERE JSONType(line) = 'Object' AND row.1 != '' AND row.3 != '' AND abs(row.2 - toUnixTimestamp64Milli(coalesce(arrived, now64(3)))) < 35 * 86400000
---
ALTER TABLE slipway.audit_ingest MODIFY QUERY
SELECT row.1 AS event_id, coalesce(arrived, now64(3)) AS arrived_at, fromUnixTimestamp64Milli(row.2) AS time, row.3 AS aggregate, row.4 AS n, row.5 AS actor, row.6 AS role,
    row.7 AS action, row.8 AS reason, JSONExtractRaw(line, 'state') AS state, row.9 AS previous_hash, row.10 AS hash
FROM
(
    SELECT line, _timestamp_ms AS arrived,
        JSONExtract(line, 'Tuple(event_id String, time Int64, aggregate String, n UInt64, actor String, role String, action String, reason String, previous_hash String, hash String)') AS row
    FROM slipway.audit_queue
)
WHERE JSONType(line) = 'Object' AND row.1 != '' AND row.3 != ''
---
ALTER TABLE slipway.dead_letters_ingest MODIFY QUERY
SELECT
    row.1 AS event_id,
    _timestamp_ms AS arrived_at,
    row.2 AS consumer,
    if(row.3 = '', _topic, row.3) AS topic,
    if(row.3 = '', toUInt32(_partition), row.4) AS partition,
    if(row.3 = '', _offset, toUInt64OrZero(row.5)) AS `offset`,
    if(row.3 = '', 'the dead letter itself is unreadable', row.6) AS reason,
    if(row.3 = '', line, tryBase64Decode(row.7)) AS raw
FROM
(
    SELECT line, _timestamp_ms, _topic, _partition, _offset,
        JSONExtract(if(isValidJSON(line) AND JSONType(line) = 'Object', line, '{}'), 'Tuple(event_id String, consumer String, topic String, partition UInt32, offset String, reason String, raw String)') AS row
    FROM slipway.dead_letters_queue
)

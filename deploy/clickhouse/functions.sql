-- A CloudEvent of structured mode is a JSON object with `specversion` and its row in `data`.
CREATE OR REPLACE FUNCTION slipway_is_event AS (line) ->
    JSONType(line) = 'Object' AND JSONType(line, 'specversion') = 'String' AND JSONType(line, 'data') = 'Object'
---
CREATE OR REPLACE FUNCTION slipway_text_field AS (name, text) -> concat('"', name, '":', toJSONString(text))
---
-- The attribute `time` (RFC 3339) in milliseconds since the epoch; NULL when it is none.
CREATE OR REPLACE FUNCTION slipway_event_time AS (line) ->
    toUnixTimestamp64Milli(parseDateTime64BestEffortOrNull(JSONExtractString(line, 'time'), 3, 'UTC'))
---
-- What a CloudEvent's attributes say and its row does not, as JSON fields.
CREATE OR REPLACE FUNCTION slipway_event_fields AS (line, row, ce_id) ->
    arrayStringConcat(arrayFilter(field -> field != '', [
    multiIf(
        JSONExtractString(row, 'event_id') != '', '',
        slipway_is_event(line) AND JSONExtractString(line, 'id') != '',
            slipway_text_field('event_id', JSONExtractString(line, 'id')),
        ce_id != '', slipway_text_field('event_id', ce_id),
        ''),
    if(slipway_is_event(line) AND NOT JSONHas(row, 'source') AND JSONExtractString(line, 'source') != '',
        slipway_text_field('source', JSONExtractString(line, 'source')), ''),
    if(slipway_is_event(line) AND NOT JSONHas(row, 'time') AND slipway_event_time(line) IS NOT NULL,
        concat('"time":', toString(assumeNotNull(slipway_event_time(line)))), '')]), ',')
---
CREATE OR REPLACE FUNCTION slipway_with_fields AS (fields, row) -> if(fields = '', row,
    concat('{', fields, if(JSONLength(row) = 0, '', ','), substring(row, position(row, '{') + 1)))
---
-- The row of a line: the line itself, or what a CloudEvent 1.0 carries (structured mode: `data`; binary mode: the line,
-- with the header ce_id for a missing event_id). Every ingest and every refusal reads lines through this one function;
-- dead letters keep the line as it came. What can be no CloudEvent is told without parsing it.
CREATE OR REPLACE FUNCTION slipway_row AS (line, ce_id) -> multiIf(
    ce_id = '' AND position(line, '"specversion"') = 0, line,
    JSONType(line) != 'Object', line,
    slipway_is_event(line), slipway_with_fields(slipway_event_fields(line, JSONExtractRaw(line, 'data'), ce_id),
        JSONExtractRaw(line, 'data')),
    slipway_with_fields(slipway_event_fields(line, line, ce_id), line))
---
-- Whether the text of an output is a list of elements, and not the plain value of one (a label may begin with a
-- bracket too): it is JSON, but for the number of elements behind a long one.
CREATE OR REPLACE FUNCTION slipway_is_list AS (output) ->
    startsWith(output, '[') AND isValidJSON(replaceRegexpOne(output, '\\] of [0-9]+$', ']'))

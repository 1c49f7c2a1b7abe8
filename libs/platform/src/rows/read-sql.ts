import type { Row } from '@slipway/contracts';
import { readOf } from './columns.ts';
import { refusalSql } from './refusal.ts';
import { unknownSql } from './unknown-values.ts';
import { wrongSql } from './wrong-values.ts';

/** The columns of `…_lines`: a line and what was read of it, once for all that comes after. */
export const linesColumns = (row: Row): string => `(
    line String COMMENT 'the line as it came',
    row String COMMENT 'the row in it, as JSON',
    fields ${fieldsType(row)} COMMENT 'its fields by their types',
    keys Array(String) COMMENT 'the names of its fields',
    raws Array(String) COMMENT 'the JSON text of each',
    wrong Array(String) COMMENT 'the names of those whose value is of no use',
    arrived DateTime64(3) COMMENT 'Kafka''s clock',
    topic LowCardinality(String) COMMENT 'the topic that it lies in',
    kafka_partition UInt32 COMMENT 'the partition that it lies in',
    kafka_offset UInt64 COMMENT 'its record''s offset in that partition',
    refusal String COMMENT 'why it cannot be a row; empty when it can',
    unknown Array(Tuple(String, String, String)) COMMENT 'columns and values that may be of no use as they are'
)`;

/**
 * Reads lines for `…_lines`. A line is parsed twice and no more, for the values of its fields and for their texts:
 * parsing it for each check took most of the ingest's time. What several checks use is a column of the result: the
 * engine computes anything else again in each branch of a condition.
 *
 * @param lines SQL that gives `line`, `ce_id` (of a CloudEvent's headers; empty without), `arrived`, `topic`,
 *   `kafka_partition` and `kafka_offset`
 */
export function readSql(row: Row, lines: string): string {
  return `SELECT line, row, fields, keys, raws, wrong, arrived, topic, kafka_partition, kafka_offset,
    ${refusalSql(row)} AS refusal,
    if(refusal = '', ${unknownSql(row)}, []) AS unknown
FROM
(
    SELECT *, ${wrongSql(row)} AS wrong
    FROM
    (
        SELECT *, JSONExtract(row, '${fieldsType(row)}') AS fields,
            JSONExtractKeysAndValuesRaw(row) AS pairs, pairs.1 AS keys, pairs.2 AS raws
        FROM
        (
            SELECT *, slipway_row(line, ce_id) AS row
            FROM
            (
                ${lines}
            )
        )
    )
)`;
}

const fieldsType = (row: Row) => `Tuple(${row.fields.flatMap((f) => readOf(f) ?? []).join(', ')})`;

/**
 * An INSERT that puts lines through all that the ingest does with those from Kafka: refusals, unknown values, and the
 * row into its table. For tests and for what is to be read in again.
 *
 * @param lines SQL that gives `line` and `arrived` (DateTime64); `{lines:Array(Tuple(String, Int64))}`, each with its
 *   arrival in milliseconds, when absent
 */
export function insertSql(
  row: Row,
  lines = `SELECT l.1 AS line, fromUnixTimestamp64Milli(l.2) AS arrived
        FROM (SELECT arrayJoin({lines:Array(Tuple(String, Int64))}) AS l)`,
): string {
  const placed = `SELECT line, '' AS ce_id, arrived, '' AS topic, toUInt32(0) AS kafka_partition,
        rowNumberInAllBlocks() AS kafka_offset
    FROM (${lines})`;
  return `INSERT INTO slipway.${row.table}_lines\n${readSql(row, placed)}`;
}

import type { Kept, Row } from '@slipway/contracts';
import { literal, quotedName } from './columns.ts';

/** SQL: true of a value that is not known. */
function isUnknown(column: string, known: NonNullable<Kept['known']>): string {
  if ('where' in known) return `NOT (${known.where})`;
  return 'from' in known
    ? `${column} NOT BETWEEN ${known.from} AND ${known.to}`
    : `${column} NOT IN (${known.map(literal).join(', ')})`;
}

/** The view that counts the rows in which an enumeration has a value that is not known: they landed as they are. */
export function unknownValuesStatements(rows: readonly Row[]): string[] {
  const selects = rows.flatMap((row) =>
    row.fields.flatMap((field) => {
      if (!field.known) return [];
      const column = quotedName(field.as ?? field.name);
      return `SELECT ${literal(row.table)} AS \`table\`, ${literal(field.as ?? field.name)} AS \`column\`,
    toString(${column}) AS value, count() AS rows,
    min(arrived_at) AS first_arrived_at, max(arrived_at) AS last_arrived_at
FROM slipway.${row.table} FINAL WHERE ${isUnknown(column, field.known)} GROUP BY value`;
    }),
  );
  return [
    `CREATE OR REPLACE VIEW slipway.unknown_values AS\n${selects.join('\nUNION ALL\n')}`,
    `ALTER TABLE slipway.unknown_values
    MODIFY COMMENT 'One row is a value that an enumeration does not know, and how many rows have it; they landed as is',
    COMMENT COLUMN \`table\` 'the table that has the rows',
    COMMENT COLUMN \`column\` 'the enumeration',
    COMMENT COLUMN value 'the value, as text',
    COMMENT COLUMN rows 'rows that have it',
    COMMENT COLUMN first_arrived_at 'the first of them, by Kafka''s clock',
    COMMENT COLUMN last_arrived_at 'the last of them, by Kafka''s clock'`,
  ];
}

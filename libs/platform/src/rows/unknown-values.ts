import type { KnownByQuery, Row } from '@slipway/contracts';
import { literal, quotedName } from './columns.ts';

type Field = Row['fields'][number];
/** The most characters of such a value that are kept. */
const SHOWN = 200;

/**
 * The values of a line that landed and are of no use as they are, as SQL over what was parsed of it: an array of
 * (column, value, within). A value that its enumeration does not know, or one of another type than its field's
 * (`wrong`). Where only a query knows, every value but those that are always known is among them, `within` the value of
 * the field that the query goes by.
 */
export function unknownSql(row: Row): string {
  const renamed = row.fields.filter((f) => f.as !== undefined);
  const column = renamed.length
    ? `transform(name, [${renamed.map((f) => literal(f.name))}], [${renamed.map((f) => literal(f.as ?? ''))}], name)`
    : 'name';
  const enumerations = row.fields.flatMap((f) => {
    if (!f.known) return [];
    const value = read(f);
    const isUnknown =
      'from' in f.known
        ? `${value} NOT BETWEEN ${f.known.from} AND ${f.known.to}`
        : `${value} NOT IN (${('always' in f.known ? f.known.always : f.known).map(literal).join(', ')})`;
    const within = 'within' in f.known ? `fields.${quotedName(f.known.within)}` : "''";
    const seen = `(${literal(f.as ?? f.name)}, left(toString(${value}), ${SHOWN}), ${within})`;
    return [`if(${isUnknown} AND NOT has(wrong, ${literal(f.name)}), [${seen}], [])`];
  });
  const wrong = `arrayMap(name -> (${column}, left(raws[indexOf(keys, name)], ${SHOWN}), ''), wrong)`;
  return enumerations.length === 0 ? wrong : `arrayConcat(${[wrong, ...enumerations].join(',\n        ')})`;
}

const read = (f: Field) => `fields.${quotedName(f.name)}`;

/**
 * The view on `unknown_value_counts`, which the ingest keeps: a look at it costs as much as there are such values,
 * however long the tables are.
 */
export function unknownValuesStatements(rows: readonly Row[]): string[] {
  const byQuery = rows.flatMap((row) =>
    row.fields.flatMap((f) =>
      f.known && 'among' in f.known
        ? [{ table: row.table, column: f.as ?? f.name, known: f.known as KnownByQuery }]
        : [],
    ),
  );
  const conditions = byQuery.map(
    ({ table, column, known }) =>
      `NOT (\`table\` = ${literal(table)} AND \`column\` = ${literal(column)} AND (within, value) IN (${known.among}))`,
  );
  return [
    `CREATE OR REPLACE VIEW slipway.unknown_values AS
SELECT \`table\`, \`column\`, value, uniqCombined64Merge(12)(event_ids) AS rows,
    min(first_arrived_at) AS first_arrived_at, max(last_arrived_at) AS last_arrived_at
FROM slipway.unknown_value_counts${conditions.length > 0 ? `\nWHERE ${conditions.join('\n    AND ')}` : ''}
GROUP BY \`table\`, \`column\`, value`,
    `ALTER TABLE slipway.unknown_values
    MODIFY COMMENT 'One row is a value that is of no use for its column, and how many rows have it; they landed as is',
    COMMENT COLUMN \`table\` 'the table that has the rows',
    COMMENT COLUMN \`column\` 'the enumeration that does not know it, or the field whose type it does not have',
    COMMENT COLUMN value 'the value, as text; the first ${SHOWN} characters of a long one',
    COMMENT COLUMN rows 'rows that have it, each event once; an estimate where there are many',
    COMMENT COLUMN first_arrived_at 'the first of them, by Kafka''s clock',
    COMMENT COLUMN last_arrived_at 'the last of them, by Kafka''s clock'`,
  ];
}

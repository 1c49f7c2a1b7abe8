import type { Row } from '@slipway/contracts';

/**
 * A ClickHouse column. `value` is the SQL expression that the ingest computes it with, over `row`, `fields` and the
 * line.
 */
export type Column = {
  readonly name: string;
  readonly type: string;
  readonly comment: string;
  readonly value: string;
  /** Default for rows written before the column was added; empty when the default of the type will do. */
  readonly defaultSql: string;
  readonly storage: string;
};
type Field = Row['fields'][number];

/** Columns of every row: the position of its line in Kafka. */
const POSITION: readonly Column[] = [
  ['arrived_at', 'DateTime64(3)', "time of arrival by Kafka's clock; orders evidence", 'arrived'],
  [
    'kafka_partition',
    'UInt32',
    'partition of the record; what a look has seen is a prefix of every partition',
    'kafka_partition',
  ],
  ['kafka_offset', 'UInt64', 'offset of the record in that partition', 'kafka_offset'],
  [
    'version',
    'UInt128',
    'greater for earlier arrivals (time, then offset, both inverted), so that the first copy wins',
    `bitOr(bitShiftLeft(toUInt128(bitNot(toUInt64(toUnixTimestamp64Milli(arrived)))), 64),
        toUInt128(bitNot(toUInt64(kafka_offset))))`,
  ],
].map(([name = '', type = '', comment = '', value = '']) => ({
  ...{ name, type, comment, value, defaultSql: '', storage: '' },
}));

/**
 * The columns of a row's table, in order: its fields, those computed from them, and the position of its line in Kafka.
 */
export function columnsOf(row: Row): Column[] {
  return [
    ...row.fields.flatMap((f) => (f.column === null ? [] : [columnOf(f, f.column)])),
    ...row.derived.map((d) => ({ name: d.name, type: d.column, comment: d.comment, value: d.value })),
    ...POSITION,
  ].map((column) => ({ defaultSql: '', storage: '', ...column }));
}

function columnOf(field: Field, type: string): Column {
  const { name, as, comment, storage = '' } = field;
  const otherwise = otherThanZero(field);
  return {
    ...{ name: as ?? name, type, comment, storage },
    value: field.value ?? readValue(name, type, otherwise),
    defaultSql: otherwise === undefined ? '' : literal(otherwise),
  };
}

function readValue(name: string, type: string, otherwise: string | number | undefined): string {
  const read = `fields.${quotedName(name)}`;
  if (type.startsWith('DateTime64')) return `fromUnixTimestamp64Milli(${read})`;
  if (otherwise === undefined) return read;
  return typeof otherwise === 'string'
    ? `if(${read} = '', ${literal(otherwise)}, ${read})`
    : `ifNull(${read}, ${literal(otherwise)})`;
}

/** The value for a line that lacks the field, when it differs from the default of the ClickHouse type. */
function otherThanZero({ schema }: Field): string | number | undefined {
  const absent = schema.safeParse(undefined);
  const value = absent.success ? absent.data : undefined;
  return (typeof value === 'string' || typeof value === 'number') && value !== '' && value !== 0 ? value : undefined;
}

/** Name and type of the tuple element that the ingest parses the field into; undefined when `row` is enough. */
export function readOf(field: Field): string | undefined {
  if (field.json === null || field.column === null) return undefined;
  const plain = field.column.replace(/LowCardinality\((\w+)\)/g, '$1').replace(/^DateTime64.*/, 'Int64');
  const mayLack = field.value === undefined && typeof otherThanZero(field) === 'number';
  return `${quotedName(field.name)} ${field.json ?? (mayLack ? `Nullable(${plain})` : plain)}`;
}

/** The column definition for CREATE TABLE or ADD COLUMN. */
export function columnSql({ name, type, comment, defaultSql, storage }: Column): string {
  const parts = [quotedName(name), type, ...(defaultSql ? [`DEFAULT ${defaultSql}`] : [])];
  return `${[...parts, 'COMMENT', literal(comment), ...(storage ? [storage] : [])].join(' ')}`;
}

export const quotedName = (name: string): string => `\`${name}\``;

export const literal = (value: string | number): string =>
  typeof value === 'number' ? String(value) : `'${value.replace(/[\\']/g, '\\$&')}'`;

import type { Row } from '@slipway/contracts';

/** A column of ClickHouse; `value` is what the ingest puts into it, as SQL over `row`, `fields` and its line. */
export type Column = {
  readonly name: string;
  readonly type: string;
  readonly comment: string;
  readonly value: string;
  /** Of a row that was written before the column was added; empty where the type's own will do. */
  readonly defaultSql: string;
  readonly storage: string;
};
type Field = Row['fields'][number];

/** Of every row: where its line lay in Kafka. */
const POSITION: readonly Column[] = [
  ['arrived_at', 'DateTime64(3)', "Kafka's clock; orders evidence", 'arrived'],
  [
    'kafka_partition',
    'UInt32',
    'where its record lies: what a look has seen is a prefix of every partition',
    'kafka_partition',
  ],
  ['kafka_offset', 'UInt64', "the record's offset in that partition", 'kafka_offset'],
  [
    'version',
    'UInt128',
    'greater for earlier arrivals (time, then offset, both inverted), so that the first wins',
    `bitOr(bitShiftLeft(toUInt128(bitNot(toUInt64(toUnixTimestamp64Milli(arrived)))), 64),
        toUInt128(bitNot(toUInt64(kafka_offset))))`,
  ],
].map(([name = '', type = '', comment = '', value = '']) => ({
  ...{ name, type, comment, value, defaultSql: '', storage: '' },
}));

/** The columns of a row's table, in order: its fields, what is worked out from them, where its line lay. */
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

/** What a line that lacks the field stands for, where that is not what the ClickHouse type has by itself. */
function otherThanZero({ schema }: Field): string | number | undefined {
  const absent = schema.safeParse(undefined);
  const value = absent.success ? absent.data : undefined;
  return (typeof value === 'string' || typeof value === 'number') && value !== '' && value !== 0 ? value : undefined;
}

/** What the ingest reads of a line, as the name and type of an element of a tuple; undefined when `row` is enough. */
export function readOf(field: Field): string | undefined {
  if (field.json === null || field.column === null) return undefined;
  const plain = field.column.replace(/LowCardinality\((\w+)\)/g, '$1').replace(/^DateTime64.*/, 'Int64');
  const mayLack = field.value === undefined && typeof otherThanZero(field) === 'number';
  return `${quotedName(field.name)} ${field.json ?? (mayLack ? `Nullable(${plain})` : plain)}`;
}

/** The column in a CREATE TABLE or an ADD COLUMN. */
export function columnSql({ name, type, comment, defaultSql, storage }: Column): string {
  const parts = [quotedName(name), type, ...(defaultSql ? [`DEFAULT ${defaultSql}`] : [])];
  return `${[...parts, 'COMMENT', literal(comment), ...(storage ? [storage] : [])].join(' ')}`;
}

export const quotedName = (name: string): string => `\`${name}\``;

export const literal = (value: string | number): string =>
  typeof value === 'number' ? String(value) : `'${value.replace(/[\\']/g, '\\$&')}'`;

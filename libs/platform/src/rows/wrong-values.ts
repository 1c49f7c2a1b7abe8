import type { Row } from '@slipway/contracts';
import { z } from 'zod';
import { literal } from './columns.ts';

type Field = Row['fields'][number];

/** JSON types by the code of the character that a value's text begins with; of numbers that of `0`. */
const BEGINS: Readonly<Record<string, number>> = {
  string: 34,
  number: 48,
  integer: 48,
  boolean: 116,
  array: 91,
  object: 123,
};
const NULL = 110;
/** How else numbers and `false` begin: with a sign, another digit, an f. */
const OTHERWISE: readonly (readonly [number, number])[] = [
  [45, 48],
  ...Array.from({ length: 9 }, (_, i) => [49 + i, 48] as const),
  [102, 116],
];
/** The numbers that a column can hold. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  Int16: [-(2 ** 15), 2 ** 15 - 1],
  UInt16: [0, 2 ** 16 - 1],
  UInt32: [0, 2 ** 32 - 1],
  UInt64: [0, Infinity],
};
const EVERY = 1e308;

/** The JSON type that a field's schema demands, as JSON Schema calls it; undefined when it takes several. */
export function jsonTypeOf(field: Field): string | undefined {
  const { type } = z.toJSONSchema(field.schema, { unrepresentable: 'any', io: 'input' });
  return typeof type === 'string' && type in BEGINS ? type : undefined;
}

/** The least and the greatest number that schema and column take; infinite where there is none. */
export function boundsOf(field: Field): readonly [number, number] {
  const { minimum = -Infinity, maximum = Infinity } = z.toJSONSchema(field.schema, {
    unrepresentable: 'any',
    io: 'input',
  });
  const [least, most] = RANGES[field.column ?? ''] ?? [-Infinity, Infinity];
  // z.int() says the integers that a double can hold.
  const unless = (bound: number) => (Math.abs(bound) === Number.MAX_SAFE_INTEGER ? bound * Infinity : bound);
  return [Math.max(least, unless(minimum)), Math.min(most, unless(maximum))];
}

/**
 * The fields of a line whose value is of no use: of another JSON type than the schema's, or a number beyond what schema
 * and column take. As SQL over `keys` and `raws`: an array of their names. A field that is null is as one that is
 * missing; 200.0 is a whole number.
 */
export function wrongSql(row: Row): string {
  const typed = row.fields.flatMap((field) => {
    const type = field.column === null ? undefined : jsonTypeOf(field);
    return type === undefined ? [] : [{ field, type }];
  });
  const numbers = typed.filter(({ type }) => BEGINS[type] === BEGINS['number']).map(({ field }) => field);
  const whole = typed.filter(({ type }) => type === 'integer').map(({ field }) => literal(field.name));
  const names = (of: readonly Field[]) => `[${of.map((f) => literal(f.name)).join(', ')}]`;
  const wanted = `transform(key, ${names(typed.map((t) => t.field))}, [${typed.map((t) => BEGINS[t.type])}], 0)`;
  const begins = `transform(ascii(raw), [${OTHERWISE.map(([a]) => a)}], [${OTHERWISE.map(([, b]) => b)}], ascii(raw))`;
  const bound = (i: 0 | 1) => `transform(key, ${names(numbers)}, [${numbers.map((f) => float(boundsOf(f)[i]))}], 0.)`;
  const faults = [
    `(${wanted} != ${begins})`,
    ...(numbers.length > 0 ? [`(toFloat64OrZero(raw) < ${bound(0)})`, `(toFloat64OrZero(raw) > ${bound(1)})`] : []),
    ...(whole.length > 0 ? [`(position(raw, '.') > 0) * (key IN (${whole}))`] : []),
  ];
  // Sums and products: for AND and OR the engine copies the texts for each condition, which takes twice as long.
  return `arrayFilter((key, raw) -> (${wanted} != 0) * (ascii(raw) != ${NULL}) *
            (${faults.join(' +\n            ')}) > 0, keys, raws)`;
}

/** Whether a wrong value is a list or an object: of any other one, a text has what it says. SQL over `name`. */
export const isStructure = `ascii(raws[indexOf(keys, name)]) IN (${BEGINS['array']}, ${BEGINS['object']})`;

const float = (n: number) => (Number.isFinite(n) ? (Number.isInteger(n) ? `${n}.` : n) : Math.sign(n) * EVERY);

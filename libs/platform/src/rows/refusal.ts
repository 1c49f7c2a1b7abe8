import { z } from 'zod';
import type { Row } from '@slipway/contracts';
import { literal } from './columns.ts';

type Field = Row['fields'][number];
type Check = readonly [when: string, why: string];

/** The range of each integer column type. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  Int16: [-(2 ** 15), 2 ** 15 - 1],
  UInt16: [0, 2 ** 16 - 1],
  UInt32: [0, 2 ** 32 - 1],
};
const DAY_MS = 86_400_000;
const INTEGERS = "('Int64', 'UInt64')";
const NUMBERS = "('Double', 'Int64', 'UInt64')";

/**
 * SQL expression over `row` (its JSON) and `arrived` that gives the reason why a line is refused; empty when it is not.
 * A line is refused when it is not a JSON object, lacks a required field or has a value of another type there, or has
 * an implausible time. Unknown values of an enumeration are not refused.
 */
export function refusalSql(row: Row): string {
  const checks: Check[] = [
    ['NOT isValidJSON(row)', 'not JSON'],
    ["JSONType(row) != 'Object'", 'not a JSON object'],
    ...row.fields.flatMap((f) => [...(f.required ? requiredChecks(f) : []), ...(f.refused ? [own(f.refused)] : [])]),
  ];
  return `multiIf(\n${checks.map(([when, why]) => `        ${when}, ${literal(why)},\n`).join('')}        '')`;
}

const own = ({ when, why }: { when: string; why: string }): Check => [when, why];

function requiredChecks(field: Field): Check[] {
  const { name, withinDays } = field;
  const of = (f: string) => `${f}(row, ${literal(name)})`;
  if (withinDays !== undefined)
    return [
      [`${of('JSONType')} NOT IN ${INTEGERS}`, `${name}: must be milliseconds since the epoch`],
      [
        `abs(${of('JSONExtractInt')} - toUnixTimestamp64Milli(arrived)) > ${withinDays} * ${DAY_MS}`,
        `${name}: implausible (over ${withinDays} days from its arrival)`,
      ],
    ];
  const { type, minimum, maximum } = z.toJSONSchema(field.schema, { unrepresentable: 'any', io: 'input' });
  switch (type) {
    case 'string':
      return [
        [
          `${of('JSONExtractString')} = ''`,
          `${name}: missing or not a string${name === 'event_id' ? ', and no ce_id in the headers' : ''}`,
        ],
      ];
    case 'boolean':
      return [[`${of('JSONType')} != 'Bool'`, `${name}: must be true or false`]];
    case 'number':
    case 'integer': {
      const [least, most] = RANGES[field.column ?? ''] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
      const from = Math.max(least, minimum ?? least);
      const to = Math.min(most, maximum ?? most);
      const [kinds, extract] = type === 'integer' ? [INTEGERS, 'JSONExtractInt'] : [NUMBERS, 'JSONExtractFloat'];
      const bounds = [
        ...(Number.isFinite(from) ? [`${of(extract)} < ${from}`] : []),
        ...(Number.isFinite(to) ? [`${of(extract)} > ${to}`] : []),
      ];
      const range = bounds.length === 2 ? ` from ${from} to ${to}` : '';
      return [
        [
          [`${of('JSONType')} NOT IN ${kinds}`, ...bounds].join(' OR '),
          `${name}: must be ${type === 'integer' ? 'an integer' : 'a number'}${range}`,
        ],
      ];
    }
    default:
      if (field.refused) return [];
      throw new Error(`the field ${name} is required, but does not declare when a line is refused for it`);
  }
}

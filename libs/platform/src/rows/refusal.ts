import { rawOf, type Row } from '@slipway/contracts';
import { literal, quotedName } from './columns.ts';
import { boundsOf, isStructure, jsonTypeOf } from './wrong-values.ts';

type Field = Row['fields'][number];
/** The reason as SQL. */
type Check = readonly [when: string, why: string];

const DAY_MS = 86_400_000;

/**
 * SQL expression over `row` (its JSON), what was parsed of it (`fields`, `keys`, `raws`), `wrong` (the fields with a
 * value of another type or out of range) and `arrived` that gives the reason why a line is refused, or nothing.
 * A line is refused when it is not a JSON object, lacks a required field, has a wrong value there or in a field that
 * `decides`, or has an implausible time. A number or boolean where a string is declared lands as text, and is counted.
 * Unknown values of an enumeration are not refused.
 */
export function refusalSql(row: Row): string {
  const checks: Check[] = [
    ['empty(keys) AND NOT isValidJSON(row)', literal('not JSON')],
    ["empty(keys) AND JSONType(row) != 'Object'", literal('not a JSON object')],
    ...row.fields.flatMap((f) => [
      ...(f.required ? requiredChecks(f) : []),
      ...(f.refused ? [[f.refused.when, literal(f.refused.why)] as const] : []),
    ]),
    ...decisive(row.fields.filter((f) => f.decides && !f.required)),
  ];
  return `multiIf(\n${checks.map(([when, why]) => `        ${when}, ${why},\n`).join('')}        '')`;
}

function requiredChecks(field: Field): Check[] {
  const { name, withinDays } = field;
  const value = `fields.${quotedName(name)}`;
  const isWrong = `has(wrong, ${literal(name)})`;
  const isMissing = `${rawOf(name)} IN ('', 'null')`;
  const check = (when: string, why: string): Check => [when, literal(`${name}: ${why}`)];
  if (withinDays !== undefined)
    return [
      check(`${value} = 0 OR ${isWrong}`, 'must be milliseconds since the epoch'),
      check(
        `abs(${value} - toUnixTimestamp64Milli(arrived)) > ${withinDays} * ${DAY_MS}`,
        `implausible (over ${withinDays} days from its arrival)`,
      ),
    ];
  switch (jsonTypeOf(field)) {
    case 'string':
      return [
        check(
          `${value} = '' OR arrayExists(name -> name = ${literal(name)} AND ${isStructure}, wrong)`,
          `missing or not a string${name === 'event_id' ? ', and no ce_id in the headers' : ''}`,
        ),
      ];
    case 'boolean':
      return [check(`${isMissing} OR ${isWrong}`, 'must be true or false')];
    case 'number':
    case 'integer':
      return [check(`${isMissing} OR ${isWrong}`, `must be ${wanted(field)}`)];
    default:
      if (field.refused) return [];
      throw new Error(`the field ${name} is required, but does not declare when a line is refused for it`);
  }
}

/** One check for all optional fields by which something is decided. */
function decisive(fields: readonly Field[]): Check[] {
  if (fields.length === 0) return [];
  const list = (of: readonly Field[], say = (f: Field) => f.name) => `[${of.map((f) => literal(say(f))).join(', ')}]`;
  const texts = fields.filter((f) => jsonTypeOf(f) === 'string');
  const others = fields.filter((f) => !texts.includes(f));
  const found = `name -> ${[
    ...(others.length > 0 ? [`has(${list(others)}, name)`] : []),
    ...(texts.length > 0 ? [`has(${list(texts)}, name) AND ${isStructure}`] : []),
  ].join(' OR ')}`;
  const reasons = list(fields, (f) => `${f.name}: must be ${wanted(f)}`);
  return [[`arrayExists(${found}, wrong)`, `transform(arrayFirst(${found}, wrong), ${list(fields)}, ${reasons}, '')`]];
}

/** What a value has to be, in words. */
function wanted(field: Field): string {
  const type = jsonTypeOf(field);
  const [from, to] = boundsOf(field);
  const range =
    Number.isFinite(from) && Number.isFinite(to)
      ? ` from ${from} to ${to}`
      : Number.isFinite(from)
        ? ` from ${from} on`
        : '';
  switch (type) {
    case 'integer':
      return `an integer${range}`;
    case 'number':
      return `a number${range}`;
    case 'boolean':
      return 'true or false';
    case 'array':
    case 'object':
      return `an ${type}`;
    default:
      return 'a string';
  }
}

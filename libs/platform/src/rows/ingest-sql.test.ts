import { defineRow, type Row } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { columnSql, columnsOf, readOf } from './columns.ts';
import { ingestStatements } from './ingest-sql.ts';
import { refusalSql } from './refusal.ts';
import { unknownSql, unknownValuesStatements } from './unknown-values.ts';

const row = (field: Partial<Row['fields'][number]> & { schema: z.ZodType; column: string }): Row =>
  defineRow({ type: 't', table: 'things', comment: 'Things', fields: { x: { comment: "it's x", ...field } } });
const column = (field: Parameters<typeof row>[0]) => columnsOf(row(field))[0];
const read = (field: Parameters<typeof row>[0]) => row(field).fields.map(readOf);
const refusals = (field: Parameters<typeof row>[0]) => refusalSql(row(field)).split('\n').slice(3, -1).join('');

describe('a field', () => {
  it.each([
    ['a text', z.string().default(''), 'LowCardinality(String)', '`x` String', 'fields.`x`', ''],
    [
      'a text with a default',
      z.string().default("a'b"),
      'String',
      '`x` String',
      "if(fields.`x` = '', 'a\\'b', fields.`x`)",
      "'a\\'b'",
    ],
    ['a number with a default', z.int().default(-1), 'Int16', '`x` Nullable(Int16)', 'ifNull(fields.`x`, -1)', '-1'],
    ['a time', z.int(), 'DateTime64(3)', '`x` Int64', 'fromUnixTimestamp64Milli(fields.`x`)', ''],
  ] as const)(
    'that is %s is parsed without throwing, and has its default when it is missing',
    (_, schema, type, inTuple, value, defaultSql) => {
      expect(read({ schema, column: type })).toEqual([inTuple]);
      expect(column({ schema, column: type })).toMatchObject({ value, defaultSql });
    },
  );
  it('becomes a column with its default, comment and storage options', () => {
    const field = { schema: z.string().default('oip'), column: 'String', storage: 'CODEC(ZSTD(1))' };
    expect(columnSql(columnsOf(row(field))[0] as never)).toBe(
      "`x` String DEFAULT 'oip' COMMENT 'it\\'s x' CODEC(ZSTD(1))",
    );
  });
  it('that the table does not keep is neither a column nor parsed', () => {
    const declared = row({ schema: z.string(), column: null as never });
    expect(columnsOf(declared).map((c) => c.name)).not.toContain('x');
    expect(declared.fields.map(readOf)).toEqual([undefined]);
  });
});

describe('a line is refused', () => {
  it.each([
    [
      'without a text',
      z.string().min(1),
      'String',
      "fields.`x` = '' OR arrayExists(name -> name = 'x' AND ascii(raws[indexOf(keys, name)]) IN (91, 123), wrong), " +
        "'x: missing or not a string'",
    ],
    [
      'for a boolean of another type',
      z.boolean(),
      'Bool',
      "raws[indexOf(keys, 'x')] IN ('', 'null') OR has(wrong, 'x'), 'x: must be true or false'",
    ],
    [
      'for a number outside the range of its schema',
      z.number().min(0).max(1),
      'Float64',
      "has(wrong, 'x'), 'x: must be a number from 0 to 1'",
    ],
    [
      'for an integer outside the range of its column',
      z.int().min(0),
      'UInt16',
      "has(wrong, 'x'), 'x: must be an integer from 0 to 65535'",
    ],
  ])('%s', (_, schema, type, sql) => expect(refusals({ schema, column: type })).toContain(sql));
  it('for a field that may be left out only where it decides something', () => {
    const field = { schema: z.int().default(0), column: 'UInt16' };
    expect(refusals(field)).toBe('');
    expect(refusals({ ...field, decides: true })).toBe(
      "        arrayExists(name -> has(['x'], name), wrong), transform(arrayFirst(name -> has(['x'], name), wrong), " +
        "['x'], ['x: must be an integer from 0 to 65535'], ''),",
    );
  });
  it("for a required field of many kinds only by the field's own rule, which the field must declare", () => {
    const schema = z.union([z.number(), z.string()]);
    expect(() => refusals({ schema, column: 'String' })).toThrow('the field x is required');
    expect(refusals({ schema, column: 'String', refused: { when: 'a = 1', why: 'no' } })).toContain("a = 1, 'no'");
  });
});

describe('values that an enumeration does not know', () => {
  it('are counted by a list, by a range, or by what a query knows', () => {
    expect(unknownSql(row({ schema: z.string().min(1), column: 'String', known: ['a', 'b'] }))).toContain(
      "if(fields.`x` NOT IN ('a', 'b') AND NOT has(wrong, 'x'), [('x', left(toString(fields.`x`), 200), '')], [])",
    );
    const byQuery = row({
      schema: z.string().min(1),
      column: 'String',
      known: { always: ['a'], within: 'y', among: 'SELECT y, x FROM known' },
    });
    expect(unknownSql(byQuery)).toContain("if(fields.`x` NOT IN ('a') AND");
    expect(unknownSql(byQuery)).toContain("[('x', left(toString(fields.`x`), 200), fields.`y`)]");
    expect(unknownValuesStatements([byQuery])[0]).toContain(
      "WHERE NOT (`table` = 'things' AND `column` = 'x' AND (within, value) IN (SELECT y, x FROM known))",
    );
    expect(unknownSql(row({ schema: z.int(), column: 'UInt16', known: { from: 1, to: 5 } }))).toContain(
      'if(fields.`x` NOT BETWEEN 1 AND 5 AND',
    );
  });
});

it('a row without a topic has no ingest', () => {
  expect(() => ingestStatements(row({ schema: z.string(), column: 'String' }))).toThrow('no topic carries');
});

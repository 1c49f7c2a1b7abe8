import { defineRow, type Row } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { columnSql, columnsOf, readOf } from './columns.ts';
import { ingestStatements } from './ingest-sql.ts';
import { refusalSql } from './refusal.ts';
import { unknownValuesStatements } from './unknown-values.ts';

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
    ['without a text', z.string().min(1), 'String', "JSONExtractString(row, 'x') = '', 'x: missing or not a string'"],
    ['for a boolean of another type', z.boolean(), 'Bool', "JSONType(row, 'x') != 'Bool', 'x: must be true or false'"],
    [
      'for a number outside the range of its schema',
      z.number().min(0).max(1),
      'Float64',
      "JSONExtractFloat(row, 'x') < 0 OR JSONExtractFloat(row, 'x') > 1, 'x: must be a number from 0 to 1'",
    ],
    [
      'for an integer outside the range of its column',
      z.int().min(0),
      'UInt16',
      "JSONExtractInt(row, 'x') < 0 OR JSONExtractInt(row, 'x') > 65535, 'x: must be an integer from 0 to 65535'",
    ],
  ])('%s', (_, schema, type, sql) => expect(refusals({ schema, column: type })).toContain(sql));
  it('never for a field that may be left out', () => {
    expect(refusals({ schema: z.int().default(0), column: 'UInt16' })).toBe('');
  });
  it("for a required field of many kinds only by the field's own rule, which the field must declare", () => {
    const schema = z.union([z.number(), z.string()]);
    expect(() => refusals({ schema, column: 'String' })).toThrow('the field x is required');
    expect(refusals({ schema, column: 'String', refused: { when: 'a = 1', why: 'no' } })).toContain("a = 1, 'no'");
  });
});

describe('values that an enumeration does not know', () => {
  it('are counted by a list, by a range, or by a condition', () => {
    const [view] = unknownValuesStatements([
      row({ schema: z.string().min(1), column: 'String', known: ['a', 'b'] }),
      row({ schema: z.int(), column: 'UInt16', known: { from: 1, to: 5 } }),
      row({ schema: z.string(), column: 'String', known: { where: 'x = y' } }),
    ]);
    expect(view).toContain("FINAL WHERE `x` NOT IN ('a', 'b') GROUP BY value");
    expect(view).toContain('FINAL WHERE `x` NOT BETWEEN 1 AND 5 GROUP BY value');
    expect(view).toContain('FINAL WHERE NOT (x = y) GROUP BY value');
  });
});

it('a row without a topic has no ingest', () => {
  expect(() => ingestStatements(row({ schema: z.string(), column: 'String' }))).toThrow('no topic carries');
});

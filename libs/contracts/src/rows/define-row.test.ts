import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineRow, defineRowOf } from './define-row.ts';
import { topicList } from '../bus/topics.ts';
import { rows, untabled } from './rows.ts';

describe('a declared row', () => {
  const row = defineRow({
    ...{ type: 'slipway.thing.v1', table: 'things', comment: 'Things' },
    fields: {
      id: { schema: z.string().min(1), column: 'String', comment: 'which' },
      size: { schema: z.int().default(3), column: 'UInt32', comment: 'how large' },
    },
  });
  it('has the schema of its fields, in which those with a default may be left out', () => {
    expect(row.schema.parse({ id: 'a' })).toEqual({ type: 'slipway.thing.v1', id: 'a', size: 3 });
    expect(row.schema.safeParse({ size: 1 }).success).toBe(false);
    expect(row.schema.safeParse({ type: 'other', id: 'a' }).success).toBe(false);
  });
  it('requires what has no default', () => {
    expect(row.fields.map((f) => [f.name, f.required])).toEqual([
      ['id', true],
      ['size', false],
    ]);
  });
});

it('a row made from a schema requires the named fields, whatever the schema requires', () => {
  const schema = z.object({ id: z.string(), note: z.string() });
  const kept = { column: 'String', comment: '…' };
  const row = defineRowOf(schema, { table: 't', comment: 'T', requires: ['id'], fields: { id: kept, note: kept } });
  expect(row.schema).toBe(schema);
  expect(row.fields.map((f) => f.required)).toEqual([true, false]);
});

it('every row has an identity, and unique column names', () => {
  for (const row of rows) {
    expect(row.fields.find((f) => f.name === 'event_id')?.required, row.table).toBe(true);
    const names = [...row.fields.map((f) => f.as ?? f.name), ...row.derived.map((d) => d.name)];
    expect(new Set(names).size, row.table).toBe(names.length);
  }
});

it('what a topic carries is the row of one table, or says why no table keeps it', () => {
  const declared = [...rows, ...untabled];
  for (const topic of topicList.filter((t) => t.carries !== 'state')) {
    const found = declared.filter((d) => d.schema === topic.schema);
    expect([topic.name, found.length]).toEqual([topic.name, 1]);
    expect([topic.name, found[0]?.table !== null]).toEqual([topic.name, topic.readers.includes('clickhouse')]);
  }
});

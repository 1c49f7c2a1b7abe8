import { compareSchema } from '@slipway/release';
import { describe, expect, it } from 'vitest';
import { wordSimilarity } from '../comparators/text-similarity.ts';
import type { Comparator } from '../comparators/comparator.ts';
import { comparators } from './comparators.ts';
import { compareAnswers } from './compare.ts';

const rule = (change: object = {}) => compareSchema.parse(change);
const oip = (...outputs: [string, string, unknown[], number[]?][]) => ({
  model_name: 'm',
  model_version: String(Math.random()),
  outputs: outputs.map(([name, datatype, data, shape]) => ({ name, datatype, shape: shape ?? [data.length], data })),
});
const kinds = async (a: unknown, b: unknown, change: object = {}) =>
  (await compareAnswers(a, b, rule(change))).differences.map((d) => `${d.field} ${d.kind}`);

describe('answers of the Open Inference Protocol', () => {
  it('agree when fractions are within the tolerance and classes are equal', async () => {
    const { agree, maxDifference } = await compareAnswers(
      oip(['p', 'FP32', [0.5]], ['class', 'INT64', [1]]),
      oip(['p', 'FP32', [0.5003]], ['class', 'INT64', [1]]),
      rule(),
    );
    expect([agree, maxDifference > 0.0002]).toEqual([true, true]);
  });
  it('differ in a class by any other value, in a fraction beyond the tolerance', async () => {
    expect(
      await kinds(
        oip(['p', 'FP32', [0.5]], ['class', 'INT64', [1]]),
        oip(['p', 'FP32', [0.6]], ['class', 'INT64', [0]]),
      ),
    ).toEqual(['p number', 'class class']);
  });
  it('are compared only in the named fields', async () => {
    expect(
      await kinds(
        oip(['p', 'FP32', [0.1]], ['class', 'INT64', [1]]),
        oip(['p', 'FP32', [0.9]], ['class', 'INT64', [1]]),
        {
          fields: ['class'],
        },
      ),
    ).toEqual([]);
    expect(await kinds(oip(['p', 'FP32', [0.1]]), oip(['p', 'FP32', [0.9]]), { ignore: ['p'] })).toEqual([]);
  });
  it('report the place of a difference in a list, and what is missing or new', async () => {
    expect(
      await kinds(
        oip(['e', 'FP32', [1, 2, 3]], ['old', 'BYTES', ['x']]),
        oip(['e', 'FP32', [1, 9, 3]], ['new', 'BYTES', ['x']]),
      ),
    ).toEqual(['e.1 number', 'old missing', 'new extra']);
    expect(await kinds(oip(['e', 'FP32', [1, 2]]), oip(['e', 'FP32', [1]]))).toEqual(['e length']);
  });
  it('agree by top-k when the k highest stand at the same places, row by row', async () => {
    const scores = (...data: number[]) => oip(['scores', 'FP32', data, [2, 3]]);
    expect(
      await kinds(scores(0.7, 0.2, 0.1, 0.1, 0.8, 0.1), scores(0.5, 0.4, 0.1, 0.3, 0.4, 0.3), { topK: 1 }),
    ).toEqual([]);
    expect(
      await kinds(scores(0.7, 0.2, 0.1, 0.1, 0.8, 0.1), scores(0.5, 0.4, 0.1, 0.5, 0.4, 0.1), { topK: 1 }),
    ).toEqual(['scores top_k']);
  });
  it('differ when a number is missing', async () =>
    expect(await kinds(oip(['p', 'FP32', [0.5]]), oip(['p', 'FP32', ['NaN']]))).toEqual(['p number']));
});

describe('other answers', () => {
  it('are compared as JSON by field, without ids', async () => {
    expect(
      await kinds(
        { id: 'a', score: 1, tags: ['x', 'y'], nested: { ok: true } },
        { id: 'b', score: 1.5, tags: ['x', 'z'], nested: { ok: false } },
      ),
    ).toEqual(['score number', 'tags.1 text', 'nested.ok class']);
    expect(await kinds({ a: 1, old: 2 }, { a: '1', new: 2 })).toEqual(['a type', 'old missing', 'new extra']);
    expect(await kinds({ usage: { tokens: 3 } }, { usage: { tokens: 9 } }, { ignore: ['usage.tokens'] })).toEqual([]);
  });
  it('agree as texts from the similarity that the rule gives', async () => {
    expect(await kinds({ text: 'the cat  sat' }, { text: 'the cat sat' })).toEqual([]);
    expect(await kinds({ text: 'sat the cat' }, { text: 'the cat sat' })).toEqual(['text text']);
    expect(await kinds({ text: 'the cat sat down' }, { text: 'the cat sat' }, { textSimilarity: 0.8 })).toEqual([]);
    expect(wordSimilarity('a b c d', 'a b x y')).toBe(0.5);
  });
  it('need not be JSON', async () => expect(await kinds('plain', 'plain')).toEqual([]));
});

describe('a comparator that calls a service', () => {
  it('is awaited, and its cost is reported', async () => {
    const asking: Comparator = {
      takes: ({ control }) => typeof control === 'string',
      compare: async ({ field, control, candidate }) => {
        await Promise.resolve();
        const differences = [{ field, kind: 'text' as const, control, candidate }];
        return { differences: control === candidate ? [] : differences, maxDifference: 0, price: 0.002 };
      },
    };
    const compared = await compareAnswers({ a: 'x', b: 'y', n: 1 }, { a: 'x', b: 'z', n: 1 }, rule(), '', {
      ...comparators,
      topK: asking,
    });
    expect(compared).toMatchObject({ differences: [{ field: 'b', kind: 'text' }], fields: 3, price: 0.004 });
  });
});

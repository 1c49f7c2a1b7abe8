import { type Rollout } from '@slipway/release';
import { type ComparisonRow, type ShadowPair, shadowPairSchema } from '@slipway/contracts';
import { type ConsumedRecord, createLogger, type RecordProducer } from '@slipway/platform';
import { describe, expect, it } from 'vitest';
import { PairConsumer } from './pair.consumer.ts';

const KNOWN = '0198c0de-0000-7000-8000-000000000001';
const LATE = '0198c0de-0000-7000-8000-000000000002';
const madeUp = (n: number) => `0198c0de-0000-7000-9000-${String(n).padStart(12, '0')}`;
const compare = { absolute: 0, relative: 0, ignore: [], textSimilarity: 1 };
const rollout = { spec: { steps: [{ shadow: { compare } }] } } as unknown as Rollout;

const pairOf = (rolloutId: string) => {
  const fields = { event_id: rolloutId, time: 1, request_id: 'r', endpoint: 'm', rollout_id: rolloutId, step: 0 };
  return {
    parsed: shadowPairSchema.parse({ ...fields, control: { a: 1 }, candidate: { a: 1 } }),
    headers: {},
  } as unknown as ConsumedRecord<ShadowPair>;
};

function comparator() {
  const rollouts = new Map([[KNOWN, rollout]]);
  const rows: ComparisonRow[] = [];
  const producer = {
    publish: async (_: unknown, messages: { value: ComparisonRow }[]) =>
      void rows.push(...messages.map((m) => m.value)),
  };
  const consumer = new PairConsumer({
    rollouts,
    rolloutsKnown: () => true,
    producer: producer as unknown as RecordProducer,
    source: 'comparator-1',
    log: createLogger('test', 'test', 'silent'),
    patienceMs: 500,
  });
  /** The results of the pairs, and how long they took. */
  const take = async (...ids: string[]) => {
    const began = performance.now();
    const kinds = (await consumer.take(ids.map(pairOf))).map((r) => r.kind);
    return { kinds, ms: performance.now() - began };
  };
  return { take, rollouts, rows };
}

describe('pairs of unknown rollouts', () => {
  it('delay the others once at most, however many they are', async () => {
    const { take, rows } = comparator();
    const strange = Array.from({ length: 10_000 }, (_, i) => madeUp(i));
    const first = await take(...strange, KNOWN);
    expect(first.kinds).toEqual([...strange.map(() => 'deadLetter'), 'ok']);
    expect(rows.map((r) => r.rollout_id)).toEqual([KNOWN]);
    expect(first.ms).toBeLessThan(5000);
    const again = await take(...strange.slice(0, 100), KNOWN);
    expect([again.kinds.at(-1), rows.length]).toEqual(['ok', 2]);
    expect(again.ms).toBeLessThan(400);
  });
  it('are compared when the rollout arrives a moment later, even after they were given up', async () => {
    const { take, rollouts, rows } = comparator();
    const taken = take(LATE, KNOWN);
    rollouts.set(LATE, rollout);
    expect((await taken).kinds).toEqual(['ok', 'ok']);
    rollouts.delete(LATE);
    expect((await take(LATE)).kinds).toEqual(['deadLetter']);
    rollouts.set(LATE, rollout);
    expect((await take(LATE)).kinds).toEqual(['ok']);
    expect(rows).toHaveLength(3);
  });
});

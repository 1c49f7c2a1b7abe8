import { type Topic, topics } from '@slipway/contracts';
import { until } from '@slipway/local';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of clients.test.ts, which the root's vitest runs
import { describe, expect, it } from 'vitest';
import { GOOD, type Release } from '../fixtures/release.ts';

/** Records that somebody may send by mistake. */
const POISON = [
  'this is no JSON',
  '{"event_id": "half',
  '[1, 2, 3]',
  '{"event_id": "shape", "time": "yesterday"}',
  '\u0000\u0001\u0002',
];

/** Unusable records on every topic; the last part of the suite of clients, on its stack. */
export function describePoison(stack: () => Release): void {
  const letters = (topic: string) =>
    stack().query<{ reason: string; raw: string; partition: number; offset: number }>(
      'SELECT reason, raw, partition, offset FROM dead_letters FINAL WHERE topic = {topic:String}',
      { topic },
    );
  const place = (l: { partition: number; offset: number; raw: string }) =>
    JSON.stringify([l.partition, l.offset, l.raw]);

  describe('unusable records on every topic', () => {
    it.each((Object.values(topics) as Topic[]).map((t) => t.name))(
      '%s: each bad record is set aside with its reason, raw bytes and place',
      async (topic) => {
        // Dead letters of other parts are not counted here.
        const before = new Set((await letters(topic)).map(place));
        const found = async () => (await letters(topic)).filter((l) => !before.has(place(l)));
        const producer = stack().kafka.producer();
        await producer.connect();
        const messages = POISON.map((value, i) => ({ key: `poison-${i}`, value, partition: 0 }));
        const [sent] = await producer.send({ topic, messages });
        await producer.disconnect();
        const first = Number(sent?.baseOffset);
        await until(
          `dead letters of ${topic}`,
          async () => new Set((await found()).map((l) => l.offset)).size >= POISON.length,
          60_000,
        );
        const aside = await found();
        expect(aside.filter((l) => l.reason === '')).toEqual([]);
        // Several readers set it aside, each with the same bytes and place.
        const places = new Set(aside.map(place));
        expect([...places].sort()).toEqual(POISON.map((raw, i) => JSON.stringify([0, first + i, raw])).sort());
        // readers of state topics keep the state they had
        expect((await stack().infer('still there?')).status).toBe(200);
      },
    );

    it('and afterwards a rollout runs from the shadow to the promotion', async () => {
      const sender = stack().sender(60);
      const { id } = await stack().rollOut(GOOD, {
        steps: [
          { shadow: { maxExcessDisagreement: '60%', until: { pairs: 50 }, compare: { fields: ['class'] } } },
          { dark: {} },
          { canary: { weight: '30%', until: { requests: 50 } } },
          { switch: {} },
          { watch: { for: '2s' } },
        ],
      });
      const ended = await stack().reach(id, 'promoted', (r) => r.status === 'promoted' || r.status === 'rolledBack');
      await sender.stop();
      expect(ended.status, ended.reason).toBe('promoted');
      expect(sender.failures).toEqual([]);
      expect((await stack().accountFor(sender.answers.map((a) => a.id))).missing).toEqual([]);
      expect(await stack().viewer.audit.verify()).toMatchObject({ ok: true });
      expect(
        stack()
          .supervisor.names()
          .filter((n) => stack().supervisor.restarts(n) > 0),
      ).toEqual([]);
    });
  });
}

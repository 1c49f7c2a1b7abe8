import { type Topic, topics } from '@slipway/contracts';
import { until } from '@slipway/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GOOD, type Release, startRelease } from '../fixtures/release.ts';

let release: Release;
beforeAll(async () => {
  release = await startRelease('poison', { counts: { registries: 1, routers: 1, workers: 1 } });
});
afterAll(() => release?.end());

/** What somebody may send by mistake. */
const POISON = [
  'this is no JSON',
  '{"event_id": "half',
  '[1, 2, 3]',
  '{"event_id": "shape", "time": "yesterday"}',
  '\u0000\u0001\u0002',
];
const letters = (topic: string) =>
  release.query<{ reason: string; raw: string; partition: number; offset: number }>(
    'SELECT reason, raw, partition, offset FROM dead_letters FINAL WHERE topic = {topic:String}',
    { topic },
  );

describe('poison on every topic', () => {
  it.each((Object.values(topics) as Topic[]).map((t) => t.name))(
    '%s: each bad record is set aside with its reason, raw bytes and place',
    async (topic) => {
      const producer = release.kafka.producer();
      await producer.connect();
      const messages = POISON.map((value, i) => ({ key: `poison-${i}`, value, partition: 0 }));
      const [sent] = await producer.send({ topic, messages });
      await producer.disconnect();
      const first = Number(sent?.baseOffset);
      await until(
        `dead letters of ${topic}`,
        async () => new Set((await letters(topic)).map((l) => l.offset)).size >= POISON.length,
        60_000,
      );
      const found = await letters(topic);
      expect(found.filter((l) => l.reason === '')).toEqual([]);
      // One reader or several set it aside, each with the same bytes and place.
      const places = new Set(found.map((l) => JSON.stringify([l.partition, l.offset, l.raw])));
      expect([...places].sort()).toEqual(POISON.map((raw, i) => JSON.stringify([0, first + i, raw])).sort());
      // state topics are replicated: who reads them keeps what it had
      expect((await release.infer('still there?')).status).toBe(200);
    },
  );

  it('and after all of it a rollout goes its way, from the shadow to the promotion', async () => {
    const sender = release.sender(60);
    const { id } = await release.rollOut(GOOD, {
      steps: [
        { shadow: { maxExcessDisagreement: '60%', until: { pairs: 50 }, compare: { fields: ['class'] } } },
        { dark: {} },
        { canary: { weight: '30%', until: { requests: 50 } } },
        { switch: {} },
        { watch: { for: '2s' } },
      ],
    });
    const ended = await release.reach(id, 'promoted', (r) => r.status === 'promoted' || r.status === 'rolledBack');
    await sender.stop();
    expect(ended.status, ended.reason).toBe('promoted');
    expect(sender.failures).toEqual([]);
    expect((await release.accountFor(sender.answers.map((a) => a.id))).missing).toEqual([]);
    expect(await release.viewer.call('GET', '/v1/audit/verification')).toMatchObject({ ok: true });
    expect(release.supervisor.names().filter((n) => release.supervisor.restarts(n) > 0)).toEqual([]);
  });
});

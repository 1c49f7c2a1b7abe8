import type { Instance } from '@slipway/contracts';
import type { Rollout } from '@slipway/release';
import { describe, expect, it } from 'vitest';
import { followWithdrawal } from '../rollout/withdrawal.ts';
import { LiveInstances } from './live-instances.ts';

const instance = (id: string, change: Partial<Instance> = {}): Instance => ({
  instance_id: id,
  kind: 'router',
  boot: 'b',
  address: `http://${id}:1`,
  time: 0,
  applied: {},
  versions: [],
  ejections: [],
  counters: {},
  notes: {},
  ...change,
});
const warm = { model: 'spam', version: 2, digest: 'd', state: 'warm' as const };

describe('live instances', () => {
  it("counts life in the topic's own time: without new heartbeats nobody times out", () => {
    const live = new LiveInstances();
    live.apply('a', instance('a'), 1000);
    live.apply('b', instance('b'), 2000);
    expect(live.routers()).toHaveLength(2);
    live.apply('b', instance('b'), 6500);
    expect(live.routers().map((i) => i.instance_id)).toEqual(['b']);
    expect(live.routersWithin(30_000)).toHaveLength(2);
    live.apply('b', undefined, 6600);
    expect(live.routers()).toEqual([]);
  });
  it('counts a change of who is alive and of what they say, and no heartbeat that says the same', () => {
    const live = new LiveInstances();
    const changed = (act: () => void) => {
      const before = live.changes();
      act();
      return live.changes() - before;
    };
    expect(changed(() => live.apply('a', instance('a'), 1000))).toBeGreaterThan(0);
    expect(changed(() => live.apply('a', instance('a', { time: 5, counters: { x: 1 } }), 2000))).toBe(0);
    expect(changed(() => live.apply('a', instance('a', { versions: [warm] }), 3000))).toBe(1);
    expect(changed(() => live.apply('b', instance('b'), 4000))).toBeGreaterThan(0);
    expect(changed(() => live.apply('b', instance('b'), 7999))).toBe(0);
    expect(changed(() => live.apply('b', instance('b'), 8000))).toBe(1);
    expect(changed(() => live.apply('a', undefined, 9000))).toBe(1);
  });
  it('takes nobody who is heard of for dead after the clock of a broker was an hour ahead', () => {
    const live = new LiveInstances();
    const hour = 3_600_000;
    for (const id of ['a', 'b', 'gone']) live.apply(id, instance(id), hour + 1000);
    live.apply('a', instance('a'), 2000);
    live.apply('b', instance('b'), 2100);
    expect(live.routers().map((i) => i.instance_id)).toEqual(['a', 'b', 'gone']);
    for (const now of [6000, 8000]) for (const id of ['a', 'b']) live.apply(id, instance(id), now);
    expect(live.routers().map((i) => i.instance_id)).toEqual(['a', 'b']);
    expect(live.forgotten()).toEqual([]);
  });
  it('knows the addresses on which a version is warm, by its digest', () => {
    const live = new LiveInstances();
    live.apply('w1', instance('w1', { kind: 'worker', versions: [warm] }), 1000);
    live.apply('w2', instance('w2', { kind: 'worker', versions: [{ ...warm, state: 'loading' }] }), 1000);
    live.apply('w3', instance('w3', { kind: 'worker', versions: [{ ...warm, digest: 'other' }] }), 1000);
    expect(live.addressesOf('spam', 2, 'd')).toEqual(['http://w1:1']);
  });
  it('forgets instances that ended long ago', () => {
    const live = new LiveInstances();
    live.apply('a', instance('a'), 0);
    live.apply('b', instance('b'), 60_001);
    expect(live.forgotten()).toEqual(['a']);
  });
});

describe('a withdrawal', () => {
  const rollout = {
    spec: { endpoint: 'spam' },
    withdrawal: { route: { epoch: 1, n: 9 }, since: 1000, applied: [], unreached: [], complete: false },
  } as unknown as Rollout;
  const at = (id: string, n: number) => instance(id, { applied: { spam: { epoch: 1, n } } });
  it('is complete when every router heard of within the lease has applied the route', () => {
    expect(followWithdrawal(rollout, [at('a', 9), at('b', 10)], [at('a', 9), at('b', 10)], 30_000, 1500)).toMatchObject(
      { settled: true, withdrawal: { complete: true, applied: ['a', 'b'], unreached: [] } },
    );
  });
  it('waits for a silent router, and names it when its lease has ended', () => {
    const recent = [at('a', 9), at('b', 8)];
    expect(followWithdrawal(rollout, [at('a', 9)], recent, 30_000, 1500).settled).toBe(false);
    expect(followWithdrawal(rollout, [at('a', 9)], recent, 30_000, 31_001)).toMatchObject({
      settled: true,
      withdrawal: { complete: false, applied: ['a'], unreached: ['b'] },
    });
  });
});

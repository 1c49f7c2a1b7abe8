import { describe, expect, it } from 'vitest';
import { outcomes, rolledBack, scenario } from './closed-loop.fixture.ts';
import { peers } from './peers.ts';
import { play } from './play.ts';
import type { Run } from './stream.ts';
import { world } from './world.ts';

describe('the decision rule in closed loop', () => {
  it('rolls a broken candidate back within seconds, and a five times worse one within minutes', () => {
    const failing = outcomes('total failure', 2000, 4);
    expect([rolledBack(failing), Math.max(...failing.map((o) => o.second)) < 10]).toEqual([1, true]);
    const worse = outcomes('errors x5', 2000, 4);
    expect([rolledBack(worse), Math.max(...worse.map((o) => o.second)) < 400]).toEqual([1, true]);
  });
  it('suspends judgement when the sample ratio is wrong', () =>
    expect(outcomes('wrong sample ratio', 2000, 2).every((o) => o.verdict === 'held')).toBe(true));
  it('is the same for the same seed, and widens step by step', () => {
    const [a, b] = [
      play(world(scenario('identical'), 2000, 0.01, 3, 7)),
      play(world(scenario('identical'), 2000, 0.01, 3, 7)),
    ];
    expect(a).toEqual(b);
    expect(a.weights.map(([, w]) => w)).toEqual([0.05, 0.25, 0.5, 1]);
    expect([a.verdict, a.second >= 2400]).toEqual(['promoted', true]);
  });
  it('does not depend on the name of the run', () => {
    const run = world(scenario('errors x5'), 200, 0.01, 0, 7);
    const renamed: Run = { ...run, meta: { ...run.meta, scenario: 'identical', base: 0.5 } };
    expect(play(renamed)).toEqual(play(run));
  });
  it("reproduces the known behaviour of the other tools' rules", () => {
    const stream = world(scenario('identical'), 2000, 0.01, 0, 7);
    expect(peers['Flagger']?.(stream).verdict).toBe('rolledBack');
    expect(peers['Argo Rollouts']?.(stream).verdict).toBe('promoted');
  });
});

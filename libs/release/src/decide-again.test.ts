import { expect, describe, it } from 'vitest';
import { decide, type World } from './decide.ts';
import type { Evidence } from './evidence.ts';
import type { Rollout } from './rollout.ts';
import { createdRollout, evidenceSaying as evidence, NOW, policy, worldOf } from './rollout.fixture.ts';
import { activate, enterStep, pause } from './transitions.ts';

const capacity = { candidateWarm: 1, controlWarm: 1, able: 1 };
const world = worldOf(capacity);
const cold = worldOf({ ...capacity, candidateWarm: 0 });
const created = createdRollout([{ canary: { weight: '5%', until: { for: '10s' } } }, { switch: {} }]);
const running = (step = 0, activeFor = 20_000): Rollout => {
  let r: Rollout = { ...created, started_at: NOW - 40_000 };
  for (let s = 0; s <= step; s++) r = activate(enterStep(r, s, NOW - activeFor), NOW - activeFor);
  return { ...r, revision: { epoch: 1, n: 7 } };
};
const received = (e: Evidence, ago = 100) => [{ evidence: e, receivedAt: NOW - ago }];

describe('when nothing comes in, nothing follows before the instant that it names', () => {
  const fresh = enterStep({ ...created, started_at: 1 }, 0, NOW);
  const two = received(evidence('advance'));
  const afterSilence = NOW - 100 + policy.silenceMs + 1;
  it.each<[string, Rollout, ReturnType<typeof received>, World, number, boolean]>([
    ['a candidate that is loading', fresh, [], cold, NOW + policy.prepareMs + 1, true],
    ['a pause', pause(running(), 'x', null), [], world, Number.POSITIVE_INFINITY, false],
    ['an analyser that holds', running(), received(evidence('hold')), world, afterSilence, false],
    ['one that is silent', running(0, 20_000), [], world, NOW - 20_000 + policy.silenceMs + 1, false],
    ['a dwell', running(0, 5000), two, world, NOW + 5000, false],
    ['routers', running(1), [], { ...world, routersFollow: false }, Number.POSITIVE_INFINITY, true],
  ])('%s', (_, rollout, said, world, again, onWorld) => {
    const now = decide(rollout, said, NOW, world, policy);
    expect(now).toMatchObject({ kind: 'none', again, onWorld });
    if (again === Number.POSITIVE_INFINITY) return;
    expect(decide(rollout, said, again - 1, world, policy).kind).toBe('none');
    const then = decide(rollout, said, again, world, policy);
    expect(then.kind === 'none' ? then.again : Number.POSITIVE_INFINITY).toBeGreaterThan(again);
  });
  it('evidence that outlasts the silence that is allowed is waited for', () => {
    const long = received(evidence('hold', { time: 0, expires_at: 90_000 }));
    const now = decide(running(), long, NOW, world, policy);
    expect(now).toMatchObject({ kind: 'none', again: NOW - 100 + 90_000 });
    expect(decide(running(), long, NOW - 100 + 90_000, world, policy).kind).toBe('pause');
  });
  it('is silent only from when it could have been heard', () => {
    const old = received(evidence('hold'), 70_000);
    const rollout = running(0, 100_000);
    expect(decide(rollout, old, NOW, world, policy).kind).toBe('pause');
    const late = { ...policy, listeningSince: NOW - 1000 };
    expect(decide(rollout, old, NOW, world, late)).toMatchObject({ kind: 'none', again: NOW - 1000 + 60_001 });
    expect(decide(rollout, old, NOW + 59_001, world, late).kind).toBe('pause');
  });
});

import { type Evidence, type Verdict } from './evidence.ts';
import { type Rollout, type StepVisit } from './rollout.ts';
import { rolloutSpecSchema } from './spec.ts';
import { describe, expect, it } from 'vitest';
import { decide, waitsFor, type World } from './decide.ts';
import { createdRollout, evidenceSaying as evidence, NOW, policy, worldOf } from './rollout.fixture.ts';
import type { Leave } from './steps/step.ts';
import { activate, approve, enterStep, hold, lastProvenWeight, obey, pause } from './transitions.ts';

const capacity = { candidateWarm: 1, controlWarm: 1, able: 1 };
const world = worldOf(capacity);
const cold = worldOf({ ...capacity, candidateWarm: 0 });

const created = createdRollout([
  { canary: { weight: '5%', until: { for: '10s' } } },
  { canary: { weight: '25%' } },
  { switch: {} },
  { watch: { for: '30s', holdBack: '5%' } },
]);
const { spec } = created;
const running = (step = 0, activeFor = 20_000): Rollout => {
  let r: Rollout = { ...created, started_at: NOW - 40_000 };
  for (let s = 0; s <= step; s++) r = activate(enterStep(r, s, NOW - activeFor), NOW - activeFor);
  return { ...r, revision: { epoch: 1, n: 7 } };
};
const received = (e: Evidence, ago = 100) => [{ evidence: e, receivedAt: NOW - ago }];

describe('decide', () => {
  it.each<[string, Rollout, ReturnType<typeof received>, World, string]>([
    [
      'activates a step once its candidate is warm',
      enterStep({ ...created, started_at: 1 }, 0, NOW),
      [],
      world,
      'activate',
    ],
    ['waits while the candidate is loading', enterStep({ ...created, started_at: 1 }, 0, NOW), [], cold, 'none'],
    [
      'pauses when no worker has loaded the candidate in time',
      enterStep({ ...created, started_at: 1 }, 0, NOW - 300_001),
      [],
      cold,
      'pause',
    ],
    [
      'rolls back when the candidate cannot be loaded',
      enterStep({ ...created, started_at: 1 }, 0, NOW),
      [],
      worldOf({ ...capacity, candidateWarm: 0, able: 0 }, 'bad bytes'),
      'rollBack',
    ],
    [
      'advances on an advance for the present revision and step',
      running(),
      received(evidence('advance')),
      world,
      'advance',
    ],
    [
      'ignores an advance for another revision',
      running(),
      received(evidence('advance', { revision: { epoch: 1, n: 6 } })),
      world,
      'none',
    ],
    ['ignores an advance for another step', running(), received(evidence('advance', { step: 1 })), world, 'none'],
    [
      'ignores an advance from another epoch',
      running(),
      received(evidence('advance', { revision: { epoch: 0, n: 7 } })),
      world,
      'none',
    ],
    ['does not advance before the dwell is over', running(0, 5000), received(evidence('advance')), world, 'none'],
    ['holds on hold', running(), received(evidence('hold')), world, 'none'],
    [
      'rolls back on a roll-back for any step',
      running(1),
      received(evidence('rollBack', { step: 0, revision: { epoch: 1, n: 3 } })),
      world,
      'rollBack',
    ],
    ['ignores a roll-back that has expired', running(), received(evidence('rollBack'), 10_001), world, 'none'],
    ['rolls back a paused rollout too', pause(running(), 'x', null), received(evidence('rollBack')), world, 'rollBack'],
    ['does not advance a paused rollout', pause(running(), 'x', null), received(evidence('advance')), world, 'none'],
    [
      'holds when the analyser is silent past its expiry',
      running(),
      received(evidence('advance'), 20_000),
      world,
      'none',
    ],
    [
      'pauses when the analyser has been silent for long',
      running(0, 70_000),
      received(evidence('advance'), 60_001),
      world,
      'pause',
    ],
    ['leaves a switch when every router has applied the route', running(2), [], world, 'advance'],
    [
      'stays in a switch until every router has applied the route',
      running(2),
      [],
      { ...world, routersFollow: false },
      'none',
    ],
    [
      'keeps watching until the watch is over',
      running(3, 20_000),
      received(evidence('advance', { step: 3 })),
      world,
      'none',
    ],
    ['ends the watch on an advance', running(3, 31_000), received(evidence('advance', { step: 3 })), world, 'advance'],
  ])('%s', (_, rollout, evidence, world, kind) => {
    expect(decide(rollout, evidence, NOW, world, policy).kind).toBe(kind);
  });

  const early = rolloutSpecSchema.parse({
    ...spec,
    steps: [
      { shadow: { maxExcessDisagreement: '2%', until: { pairs: 10, for: '10s' } } },
      { dark: { for: '5s' } },
      ...spec.steps,
    ],
    drift: {},
  });
  const shadowing = (step: number, activeFor = 20_000): Rollout => {
    let r: Rollout = { ...created, spec: early, started_at: NOW - 40_000 };
    for (let s = 0; s <= step; s++) r = activate(enterStep(r, s, NOW - activeFor), NOW - activeFor);
    return { ...r, revision: { epoch: 1, n: 7 } };
  };
  const from = (analyser: string, verdict: Verdict, change: Partial<Evidence> = {}) =>
    received(
      evidence(verdict, {
        analyser,
        event_id: `0198c0de-0000-7000-8000-00000000000${analyser.length % 10}`,
        ...change,
      }),
    );

  it('requires only the shadow-comparator in a shadow step, which changes nothing for traffic', () => {
    expect(shadowing(0).weight).toBe(0);
    expect(decide(shadowing(0), from('shadow-comparator', 'advance'), NOW, world, policy).kind).toBe('advance');
    expect(decide(shadowing(0), from('experiment-stats', 'advance'), NOW, world, policy).kind).toBe('none');
    expect(decide(shadowing(0), from('shadow-comparator', 'rollBack'), NOW, world, policy).kind).toBe('rollBack');
  });
  it('ends after a dark step or a switch, too, only when the candidate can carry all of the traffic', () => {
    const four = worldOf({ candidateWarm: 1, controlWarm: 4, able: 4 });
    for (const last of [{ dark: {} }, { switch: {} }]) {
      const rollout = {
        ...running(),
        spec: { ...spec, steps: rolloutSpecSchema.parse({ ...spec, steps: [last] }).steps },
      };
      expect(decide(rollout, [], NOW, four, policy)).toEqual({
        kind: 'hold',
        sentence: 'candidate_not_ready: 1 of the 4 workers that its traffic needs have had the candidate warm.',
      });
      expect(decide(rollout, [], NOW, world, policy).kind).toBe('advance');
      // It says so once, and pauses when that lasts; an operator who resumes gives it the time again.
      const held = hold(rollout, 'candidate_not_ready', NOW);
      const end = NOW + policy.prepareMs + 1;
      expect(decide(held, [], NOW, four, policy)).toMatchObject({ kind: 'none', again: end, onWorld: true });
      expect(decide(held, [], end, four, policy)).toMatchObject({
        kind: 'pause',
        sentence: expect.stringMatching(/^candidate_not_ready: 1 of the 4 .* within 300 s\.$/),
      });
      const resumed = obey(pause(held, 'x', null), { command: 'resume', reason: '' }, 'op', end);
      expect(decide(resumed, [], end, four, policy).kind).toBe('hold');
    }
  });
  it('leaves a dark step when the routers have applied the route and its dwell is over, without evidence', () => {
    expect(decide(shadowing(1), [], NOW, world, policy).kind).toBe('advance');
    expect(decide(shadowing(1, 1000), [], NOW, world, policy).kind).toBe('none');
    expect(decide(shadowing(1), [], NOW, { ...world, routersFollow: false }, policy).kind).toBe('none');
  });
  it('lets drift hold a canary when the rollout requires it', () => {
    const ready = from('experiment-stats', 'advance', { step: 2 });
    expect(
      decide(shadowing(2), [...ready, ...from('drift-monitor', 'hold', { step: 2 })], NOW, world, policy).kind,
    ).toBe('none');
    expect(
      decide(shadowing(2), [...ready, ...from('drift-monitor', 'advance', { step: 2 })], NOW, world, policy).kind,
    ).toBe('advance');
  });

  it('lets any roll-back win over the advances of others', () => {
    const two = [
      ...received(evidence('advance')),
      ...received(
        evidence('rollBack', { analyser: 'drift-monitor', event_id: '0198c0de-0000-7000-8000-00000000000a' }),
      ),
    ];
    expect(decide(running(), two, NOW, world, policy).kind).toBe('rollBack');
  });
  it('pauses instead when the policy says so, and only once', () => {
    const r: Rollout = { ...running(), spec: { ...spec, onFailure: 'pause' } };
    expect(decide(r, received(evidence('rollBack')), NOW, world, policy).kind).toBe('pause');
    expect(decide(pause(r, 'x', null), received(evidence('rollBack')), NOW, world, policy).kind).toBe('none');
  });
});

describe('an active step', () => {
  const active = running(0, 20_000);
  const why = (leave: object, visit = active.visits.at(-1), change: Partial<World> = {}) => {
    const step = { leave: { analysers: [], ...leave } as unknown as Leave, dwellMs: 10_000 };
    const waits = waitsFor(step, visit as StepVisit, [], NOW, { ...world, ...change }, policy);
    return waits && ('why' in waits ? waits.why : waits.kind);
  };
  it('waits for everything that its kind declares, and for nothing else', () => {
    expect(why({})).toBeUndefined();
    expect(why({}, running(0, 9999).visits.at(-1))).toBe('the dwell is not over');
    expect(why({}, undefined, { routersFollow: false })).toBeUndefined();
    expect(why({ routersFollow: true }, undefined, { routersFollow: false })).toBe(
      'waiting for the routers to apply the route',
    );
    expect(why({ time: (activeAt: number) => activeAt + 20_001 })).toBe('its time has not come');
    expect(why({ time: (activeAt: number) => activeAt + 20_000 })).toBeUndefined();
  });
  it('waits for the number of approvals, each by a different person', () => {
    const once = approve(active, 'ann', 'looks good', NOW);
    const twice = approve(once, 'ann', 'I said so', NOW);
    expect(why({ approvals: 2 })).toBe('approvals that are missing: 2');
    expect(why({ approvals: 2 }, twice.visits.at(-1))).toBe('approvals that are missing: 1');
    expect(why({ approvals: 2 }, approve(twice, 'bob', '', NOW).visits.at(-1))).toBeUndefined();
    expect(once.visits.at(-1)?.approvals).toEqual([{ by: 'ann', at: NOW, reason: 'looks good' }]);
  });
});

describe('commands and transitions', () => {
  it('restarts the silence timeout of an analyser when an operator resumes', () => {
    const silent = { ...running(1, 500_000), status: 'paused' as const };
    const resumed = obey(silent, { command: 'resume', reason: '' }, 'op', NOW);
    expect(decide(resumed, [], NOW + 59_000, world, policy).kind).toBe('none');
    expect(decide(resumed, [], NOW + 61_000, world, policy).kind).toBe('pause');
  });

  it('pauses a silent rollout at the last proven weight', () => {
    const second = activate(enterStep(running(0), 1, NOW), NOW);
    expect(lastProvenWeight(second)).toBe(0.05);
    expect(pause(second, 'silent', null).weight).toBe(0.05);
    expect(pause(running(0), 'silent', null).weight).toBe(0);
    expect(obey(pause(second, 'silent', null), { command: 'resume', reason: '' }, 'op', NOW).weight).toBe(0.25);
  });
  it.each([
    ['start', running(), '"start" makes no sense now: the rollout is running'],
    ['resume', running(), 'needs one that is paused'],
    ['pause', created, 'the rollout is created; it needs one that is running'],
    ['rollBack', created, 'needs one that is running or paused'],
    ['abort', { ...created, status: 'promoted' as const }, 'the rollout is promoted'],
    ['approve', running(), 'no step of this rollout asks for an approval'],
  ] as const)('refuses "%s" where it makes no sense, and says why', (command, rollout, message) => {
    expect(() => obey(rollout, { command, reason: '' }, 'op', NOW)).toThrow(message);
  });
  it('takes all traffic from the candidate on rollBack and abort', () => {
    for (const command of ['rollBack', 'abort'] as const)
      expect(obey(running(1), { command, reason: 'why' }, 'op', NOW)).toMatchObject({
        weight: 0,
        ended_at: NOW,
        reason: 'op: why',
      });
  });
  it('advances only one step when two people promote at the same moment: a step in preparation cannot be ended', () => {
    const once = obey(running(0), { command: 'promote', reason: '' }, 'op', NOW);
    expect(() => obey(once, { command: 'promote', reason: '' }, 'other', NOW)).toThrow('step 1 is being prepared');
    const again = obey(activate(once, NOW), { command: 'promote', reason: '' }, 'other', NOW);
    expect(again.step).toBe(2);
  });
  it('enters the next step on promote, and ends after the last', () => {
    expect(obey(running(0), { command: 'promote', reason: '' }, 'op', NOW)).toMatchObject({
      step: 1,
      status: 'running',
    });
    expect(obey(running(3), { command: 'promote', reason: '' }, 'op', NOW)).toMatchObject({
      status: 'promoted',
      weight: 1,
    });
  });
});

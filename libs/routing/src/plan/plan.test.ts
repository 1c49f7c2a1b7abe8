import type { Branch, Route, RouteArm, Target } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import type { Assignment } from '../assign.ts';
import { armsOf } from '../branches.ts';
import { Ejections } from '../target/ejections.ts';
import { TargetFault } from '../target/target-fault.ts';
import { targetKey } from '../target/target-key.ts';
import { conclude, type Said, type Tried } from './conclude.ts';
import { type Attempt, fallBackAttempts, type Plan, planOf } from './plan.ts';

const control = {
  model: 'spam',
  version: 1,
  addresses: ['http://a', 'http://b'],
  protocol: 'oip',
  workers: true,
  price: 0,
};
const candidate = {
  model: 'spam',
  version: 2,
  addresses: ['http://c', 'http://d'],
  protocol: 'oip',
  workers: true,
  price: 0,
};
type Served = { control: Target; candidate: Target | null };
type To = Pick<Assignment, 'reason'> & { arm: 'control' | 'candidate' };
const route = { endpoint: 'spam', timeout_ms: 1000 } as Route;
const branchOf = (served: Served): Branch => ({
  name: 'main',
  unit: 'user',
  signature: { inputs: [], outputs: [] },
  target: served.control,
  rollout: served.candidate && {
    id: 'r',
    step: 0,
    salt: 'r',
    arms: [
      { name: 'control', target: served.control, share: 0.5 },
      { name: 'candidate', target: served.candidate, share: 0.5 },
    ],
    shadow: null,
  },
});
const to = (arm: To['arm'], reason: To['reason'] = 'randomised'): To => ({ arm, reason });
const states = (...ejected: [typeof control, string][]) => {
  const found = new Ejections(() => 0);
  for (const [target, address] of ejected) found.failed(targetKey(target, address), true);
  return found;
};
const plan = ({ arm: name, reason }: To, ejections = states(), turn = 0, over: Partial<Served> = {}) => {
  const branch = branchOf({ control, candidate, ...over });
  const arm = armsOf(branch).find((a) => a.name === name) as RouteArm;
  const assignment = { branch, arm, reason, probability: 0.5, unit: 'u' };
  return planOf(route, assignment, { states: ejections, now: 100, turn });
};
const asked = (attempts: readonly Attempt[]) => attempts.map((a) => `${a.address.slice(-1)} ${a.share}`);

describe('a plan', () => {
  it('gives a candidate three fifths of the time, and falls back to control', () => {
    const made = plan(to('candidate'));
    expect(asked(made.attempts)).toEqual(['c 0.24', 'd 0.6']);
    expect([made.fallBack, made.deadline, made.spared]).toEqual([control, 1100, undefined]);
    expect(asked(fallBackAttempts(made, { states: states(), turn: 1 }))).toEqual(['b 0.4', 'a 1']);
  });
  it('rotates over the addresses', () => {
    expect(asked(plan(to('control'), states(), 3).attempts)).toEqual(['b 0.4', 'a 1']);
  });
  it.each([
    ['a request of control', to('control')],
    ['a forced request', to('candidate', 'forced')],
  ])('of %s has no fallback, and may take all the time', (_, assignment) => {
    const made = plan(assignment);
    expect(made.fallBack).toBeUndefined();
    expect(made.attempts.at(-1)?.share).toBe(1);
    expect(fallBackAttempts(made, { states: states(), turn: 0 })).toEqual([]);
  });
  it('tries ejected targets only when there is no fallback', () => {
    const down = states([candidate, 'http://c'], [control, 'http://a']);
    expect(asked(plan(to('candidate'), down).attempts)).toEqual(['d 0.6']);
    expect(asked(plan(to('control'), down).attempts)).toEqual(['b 0.4', 'a 1']);
    expect(asked(plan(to('candidate', 'forced'), down).attempts)).toEqual(['d 0.4', 'c 1']);
  });
  it('marks the requests of both arms as spared while the candidate is ejected, and no others', () => {
    const out = states([candidate, 'http://c'], [candidate, 'http://d']);
    expect([plan(to('candidate'), out).spared, plan(to('control'), out).spared]).toEqual(['ejected', 'ejected']);
    expect(plan(to('candidate'), out).attempts).toEqual([]);
    expect(plan(to('control', 'no_unit'), out).spared).toBeUndefined();
    expect(plan(to('control'), out, 0, { candidate: null }).spared).toBeUndefined();
  });
});

describe('a plan beside several candidates', () => {
  const other = { model: 'spam', version: 3, addresses: ['http://e'], protocol: 'oip', workers: true, price: 0 };
  const arms: RouteArm[] = [
    { name: 'control', target: control, share: 0.4 },
    { name: 'b', target: candidate, share: 0.3 },
    { name: 'c', target: other, share: 0.3 },
  ];
  const both = { ...branchOf({ control, candidate }) };
  const branch = { ...both, rollout: both.rollout && { ...both.rollout, arms } };
  const out = states([other, 'http://e']);
  const planFor = (name: string, over = branch) =>
    planOf(
      route,
      {
        ...{ branch: over, reason: 'randomised' as const, probability: 0.3, unit: 'u' },
        arm: armsOf(over).find((a) => a.name === name) as RouteArm,
      },
      { states: out, now: 100, turn: 0 },
    );
  it('is no event of any arm while one of them is out, and asks the others all the same', () => {
    expect(['control', 'b', 'c'].map((name) => planFor(name).spared)).toEqual(['ejected', 'ejected', 'ejected']);
    expect(asked(planFor('b').attempts)).toEqual(['c 0.24', 'd 0.6']);
    expect(planFor('c').attempts).toEqual([]);
  });
  it('goes on once that one is withdrawn', () => {
    const withdrawn = arms.map((a) => (a.name === 'c' ? { ...a, target: control, withdrawn: true as const } : a));
    const left = { ...branch, rollout: branch.rollout && { ...branch.rollout, arms: withdrawn } };
    expect(['control', 'b'].map((name) => planFor(name, left).spared)).toEqual([undefined, undefined]);
  });
});

const attempt = (made: Plan, i: number) =>
  [...made.attempts, ...fallBackAttempts(made, { states: states(), turn: 0 })][i] as Attempt;
/** The result of a plan's attempts: for each, how long it took and what the target responded. */
function came(made: Plan, ...results: [number, Said | TargetFault][]) {
  let from = 100;
  const tried = results.map(([ms, said], i): Tried => {
    const t = { attempt: attempt(made, i), from, to: from + ms, deadline: made.deadline, said };
    from += ms;
    return t;
  });
  const { served, fallbackFrom, errorCode, reason, settledMs, problem } = conclude(made, tried);
  const versions = [served?.target.version, fallbackFrom?.version];
  return [...versions, errorCode, reason, settledMs, problem?.code];
}
const answered: Said = { status: 200, verdict: 'answered' };
const failed: Said = { status: 500, verdict: 'failed' };
const fault = (code: TargetFault['code']) => new TargetFault(code, code);
const one = (over: Partial<typeof control> = {}) => ({ ...control, addresses: ['http://a'], ...over });
const short = { control: one(), candidate: one({ version: 2 }) };

describe('the result of a request', () => {
  const own = () => plan(to('control'), states(), 0, short);
  const candidates = () => plan(to('candidate'), states(), 0, short);
  it('is the answer of its arm', () => {
    expect(came(own(), [20, answered])).toEqual([1, undefined, '', 'randomised', 20, undefined]);
    expect(came(own(), [20, { status: 422, verdict: 'answered' }])[2]).toBe('rejected');
  });
  it("is a failure of its arm when control answers instead, settled when the arm's own attempts have ended", () => {
    expect(came(candidates(), [20, failed], [30, answered])).toEqual([
      1,
      2,
      'target_failed',
      'randomised',
      20,
      undefined,
    ]);
  });
  it('settles at the deadline, in both arms, when an attempt took longer than a candidate is given', () => {
    expect(came(candidates(), [600, fault('timeout')], [30, answered])).toEqual([
      1,
      2,
      'timeout',
      'randomised',
      1000,
      undefined,
    ]);
    expect(came(own(), [700, answered])).toEqual([1, undefined, 'late', 'randomised', 1000, undefined]);
    expect(came(plan(to('control', 'no_unit'), states(), 0, short), [700, answered])[2]).toBe('');
  });
  it('counts for no arm when it is unknown whether the candidate may answer', () => {
    expect(came(candidates(), [20, fault('lease_expired')], [30, answered])).toEqual([
      1,
      2,
      '',
      'lease_expired',
      20,
      undefined,
    ]);
    expect(came(candidates(), [20, fault('withdrawn')], [30, answered]).slice(2, 4)).toEqual([
      'withdrawn',
      'randomised',
    ]);
  });
  it.each<[string, string, Said | TargetFault]>([
    ['overloaded', 'overloaded', { status: 503, verdict: 'busy' }],
    ['target_failed', 'target_failed', failed],
    ['target_failed', 'target_failed', fault('garbage')],
    ['timeout', 'timeout', fault('timeout')],
    ['no_target', 'no_target', fault('connect')],
  ])('is %s when no target answered, with a problem of that name', (code, problem, said) => {
    const settled = code === 'timeout' ? 1000 : 20;
    expect(came(own(), [20, said])).toEqual([undefined, undefined, code, 'randomised', settled, problem]);
  });
  it('is no_target when there was no target to try', () => {
    expect(came(plan(to('control'), states(), 0, { control: one({ addresses: [] }) }))).toEqual([
      undefined,
      undefined,
      'no_target',
      'randomised',
      0,
      'no_target',
    ]);
  });
});

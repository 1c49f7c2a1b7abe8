import { type Evidence, type Verdict } from './evidence.ts';
import { type Rollout } from './rollout.ts';
import { describe, expect, it } from 'vitest';
import { neededWarm } from './capacity.ts';
import { type Decision, decide, type World } from './decide.ts';
import { type ReceivedEvidence } from './precedence.ts';
import { createdRollout, evidenceSaying, NOW, policy, worldOf } from './rollout.fixture.ts';
import { activate, advance, enterStep, obey, pause } from './transitions.ts';

const warm = (candidateWarm: number, able = 4, failure?: string) =>
  worldOf({ candidateWarm, controlWarm: 4, able }, failure);
const world = warm(4);

/** A rollout that has passed `steps` by advances and is in the last of them, active for long enough. */
function inStep(at: number, change: object = {}): Rollout {
  const steps = ['5%', '25%', '50%'].map((weight) => ({ canary: { weight } }));
  const created = { ...createdRollout(steps, change), revision: { epoch: 1, n: 7 }, started_at: NOW - 40_000 };
  let rollout = activate(enterStep(created, 0, NOW - 20_000), NOW - 20_000);
  for (let s = 1; s <= at; s++) rollout = activate(advance(rollout, '', null, NOW - 20_000), NOW - 20_000);
  return rollout;
}
const says = (analyser: string, verdict: Verdict, change: Partial<Evidence> = {}, ago = 100): ReceivedEvidence => ({
  receivedAt: NOW - ago,
  evidence: evidenceSaying(verdict, { analyser, step: 1, ...change }),
});
/** The rollout after a decision, as the conductor carries it out. */
function obeyed(rollout: Rollout, decision: Decision): Rollout {
  if (decision.kind !== 'pause') throw new Error(`it decided ${decision.kind}`);
  return pause(rollout, decision.sentence, null);
}

describe('a candidate that is proven bad under `onFailure: pause`', () => {
  const bad = [says('experiment-stats', 'rollBack')];
  it('returns to the weight of the last step that advanced, or to 0 in the first', () => {
    const late = inStep(1, { onFailure: 'pause' });
    expect(obeyed(late, decide(late, bad, NOW, world, policy))).toMatchObject({ status: 'paused', weight: 0.05 });
    const first = inStep(0, { onFailure: 'pause' });
    expect(obeyed(first, decide(first, bad, NOW, world, policy))).toMatchObject({ status: 'paused', weight: 0 });
  });
  it('does so when a person had paused it at a share that is not proven, and then changes nothing more', () => {
    const paused = obey(inStep(1, { onFailure: 'pause' }), { command: 'pause', reason: '' }, 'op', NOW);
    expect(paused.weight).toBe(0.25);
    const after = obeyed(paused, decide(paused, bad, NOW, world, policy));
    expect(after.weight).toBe(0.05);
    expect(decide(after, bad, NOW, world, policy).kind).toBe('none');
  });
});

describe('a candidate that is out of service', () => {
  const gone = { reasons: ['too_little', 'out_of_service'], sentence: 'No answer for 61 s.' };
  it('is paused with that reason, at the last proven weight', () => {
    const rollout = inStep(1);
    const after = obeyed(rollout, decide(rollout, [says('experiment-stats', 'hold', gone)], NOW, world, policy));
    expect(after).toMatchObject({ status: 'paused', weight: 0.05, reason: 'out_of_service: No answer for 61 s.' });
    expect(rollout.spec.maxOutOfService).toBe('60s');
  });
  it.each([
    ['has expired', says('experiment-stats', 'hold', gone, 10_001)],
    ['is for an earlier step', says('experiment-stats', 'hold', { ...gone, step: 0 })],
    ['is from before it was resumed', says('experiment-stats', 'hold', { ...gone, revision: { epoch: 1, n: 6 } })],
  ])('continues when the evidence for it %s', (_, evidence) => {
    expect(decide(inStep(1), [evidence], NOW, world, policy).kind).toBe('none');
  });
});

describe('a rollout advances only on the advance of every required analyser', () => {
  const stats = says('experiment-stats', 'advance');
  it.each<[string, ReceivedEvidence[]]>([
    ['one of them holds', [stats, says('drift-monitor', 'hold', { reasons: ['not_compared'] })]],
    ['one of them has published nothing', [stats]],
    ['none has published anything', []],
    ['only other analysers have published', [stats, says('shadow-comparator', 'advance')]],
    ['one advance has expired', [stats, says('drift-monitor', 'advance', {}, 10_000)]],
    ['one advance had expired when it was made', [stats, says('drift-monitor', 'advance', { expires_at: 4 })]],
    ['one advance is for the previous step', [stats, says('drift-monitor', 'advance', { step: 0 })]],
    [
      'one advance is for another revision',
      [stats, says('drift-monitor', 'advance', { revision: { epoch: 1, n: 8 } })],
    ],
    ['both hold', [says('experiment-stats', 'hold'), says('drift-monitor', 'hold')]],
  ])('not when %s', (_, evidence) => {
    expect(decide(inStep(1, { drift: {} }), evidence, NOW, world, policy).kind).toBe('none');
  });
  it.each(['too_little', 'exposure_fault', 'sample_ratio', 'no_baseline', 'harm_open:error_rate', 'anything'])(
    'not on a hold because of %s',
    (reason) => {
      expect(
        decide(inStep(1), [says('experiment-stats', 'hold', { reasons: [reason] })], NOW, world, policy).kind,
      ).toBe('none');
    },
  );
  it('but it does when all of them advance', () => {
    const both = [stats, says('drift-monitor', 'advance')];
    expect(decide(inStep(1, { drift: {} }), both, NOW, world, policy).kind).toBe('advance');
  });
});

describe('a step begins when enough workers have the candidate warm for its traffic', () => {
  const preparing = (step: number, change: object = {}) => enterStep(inStep(0, change), step, NOW);
  const stepsTo100 = { steps: [{ canary: { weight: '5%' } }, { canary: { weight: '60%' } }, { switch: {} }] };
  it.each<[string, Rollout, World, string]>([
    ['one is enough for 25 % of the traffic of four', preparing(1), warm(1), 'activate'],
    ['one is not enough for 60 % of the traffic of four', preparing(1, stepsTo100), warm(1), 'none'],
    ['two are not enough either', preparing(1, stepsTo100), warm(2), 'none'],
    ['but three', preparing(1, stepsTo100), warm(3), 'activate'],
    ['three are not enough for a switch', preparing(2, stepsTo100), warm(3), 'none'],
    ['four are enough for a switch', preparing(2, stepsTo100), warm(4), 'activate'],
    ['three are enough for a switch when the fourth cannot load it', preparing(2, stepsTo100), warm(3, 3), 'activate'],
    ['never none', preparing(1), worldOf({ candidateWarm: 0, controlWarm: 0, able: 0 }), 'none'],
    ['at once with an address of its own', preparing(2, stepsTo100), warm(Number.POSITIVE_INFINITY), 'activate'],
  ])('%s', (_, rollout, world, kind) => {
    expect(decide(rollout, [], NOW, world, policy).kind).toBe(kind);
  });
  it('waits while another worker may still load the candidate, and fails when none can', () => {
    const one = warm(0, 3, 'bad bytes');
    expect(decide(preparing(1), [], NOW, one, policy).kind).toBe('none');
    expect(decide(preparing(1), [], NOW, warm(0, 0, 'bad bytes'), policy).kind).toBe('rollBack');
  });
  it('ends after the last step only when the candidate can carry all of the traffic', () => {
    const done = [says('experiment-stats', 'advance', { step: 2 })];
    expect(decide(inStep(2), done, NOW, warm(2), policy).kind).toBe('hold');
    expect(decide(inStep(2), done, NOW, warm(4), policy).kind).toBe('advance');
  });
  it('counts shares as decimals', () => {
    expect(neededWarm(0.1, { candidateWarm: 0, controlWarm: 30, able: 30 })).toBe(3);
    expect(neededWarm(0.07, { candidateWarm: 0, controlWarm: 100, able: 100 })).toBe(7);
  });
});

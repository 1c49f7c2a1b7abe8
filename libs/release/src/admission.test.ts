import type { Version } from '@slipway/model';
import { describe, expect, it } from 'vitest';
import { checkProtocol, goalsOf } from './admission.ts';
import { checkGoal } from './metrics/guardrail.ts';
import { metricSchema } from './metrics/metric.ts';
import { createdRollout } from './rollout.fixture.ts';

const experiment = (goal: string) => ({ experiment: { goal } });
const kept = metricSchema.parse({
  name: 'kept',
  kind: 'proportion',
  source: { outcome: 'kept' },
  per: 'exposed',
  direction: 'higher',
});

describe('the metrics that steps have to improve', () => {
  const [first, second] = goalsOf(
    createdRollout([{ canary: { weight: '5%' } }, experiment('kept'), experiment('sold')]).spec,
  );
  it('are found with the field that names them, in any step', () => {
    expect([first, second]).toEqual([
      { field: 'steps.1.experiment.goal', metric: 'kept' },
      { field: 'steps.2.experiment.goal', metric: 'sold' },
    ]);
  });
  it('are accepted as declared, or refused by that field', () => {
    if (!first || !second) throw new Error('there are two');
    expect(checkGoal(first, kept)).toBe(kept);
    expect(() => checkGoal(second)).toThrow('steps.2.experiment.goal: there is no metric "sold"');
    const failing = metricSchema.parse({ ...kept, source: { field: 'error' }, per: undefined });
    expect(() => checkGoal(first, failing)).toThrow('steps.1.experiment.goal: "kept" cannot be a goal');
  });
});

describe('a candidate', () => {
  const speaking = (protocol: string) => ({ bundle: { infra: { protocol } } }) as Version;
  it("must speak control's protocol, since callers of the endpoint use one protocol", () => {
    expect(() => checkProtocol(speaking('a'), speaking('a'))).not.toThrow();
    expect(() => checkProtocol(speaking('a'), speaking('b'))).toThrow(
      'it speaks b; the version that serves now speaks a',
    );
  });
});

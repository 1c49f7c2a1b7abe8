import { describe, expect, it } from 'vitest';
import type { CountCell } from '../e-process/counts.ts';
import { random } from '../kernel/random.ts';
import type { JudgeInput } from './input.ts';
import { judge } from './judge.ts';

/** One step at `weight`, where the actual share of the units is another one. */
function look(
  { weight = 0.25, actual = 0.25, candidateErrors = 0.01, controlErrors = 0.01, seed = 1, seconds = 60 },
  change: Partial<JudgeInput> = {},
): JudgeInput {
  const draw = random(seed);
  const exposures: CountCell[] = [];
  const errors: CountCell[] = [];
  const units = { control: 0, candidate: 0 };
  const events = { control: 0, candidate: 0 };
  for (let second = 0; second < seconds; second++) {
    const exposed = { second, weight, control: 0, candidate: 0 };
    const failed = { second, weight, control: 0, candidate: 0 };
    for (let i = 0; i < 20; i++) {
      const arm = draw() < actual ? 'candidate' : 'control';
      exposed[arm]++;
      units[arm]++;
      if (draw() >= (arm === 'candidate' ? candidateErrors : controlErrors)) continue;
      failed[arm]++;
      events[arm]++;
    }
    exposures.push(exposed);
    errors.push(failed);
  }
  const of = (arm: 'control' | 'candidate') => ({ requests: units[arm], units: units[arm] });
  return {
    alpha: 0.05,
    startSecond: 0,
    nowSecond: seconds,
    plannedSeconds: 60,
    step: {
      index: 0,
      weight,
      activeSeconds: seconds,
      dwellSeconds: 10,
      until: {},
      totals: { control: of('control'), candidate: of('candidate') },
    },
    guardrails: [
      {
        kind: 'proportion',
        metric: 'error_rate',
        source: 'error',
        direction: 'lower',
        margin: 1.25,
        cells: errors,
        step: {
          control: { units: units.control, events: events.control },
          candidate: { units: units.candidate, events: events.candidate },
        },
      },
    ],
    exposures,
    crossedUnits: 0,
    ...change,
  };
}

describe('a fault of exposure', () => {
  it('does not keep a candidate with 90 % errors when one unit was in both arms', () => {
    const { verdict, reasons, sentence } = judge(look({ candidateErrors: 0.9 }, { crossedUnits: 1 }));
    expect([verdict, reasons]).toEqual(['rollBack', ['worse:error_rate']]);
    expect(sentence).toContain('(1 crossed unit left out)');
  });
  it('never lets a candidate widen', () => {
    const { verdict, reasons, sentence } = judge(look({}, { crossedUnits: 1 }));
    expect([verdict, reasons]).toEqual(['hold', ['exposure_fault']]);
    expect(sentence).toContain('1 unit was in both arms where the shares do not allow it');
    expect(judge(look({})).verdict).toBe('advance');
  });
  it('holds while a wrong share alone explains the errors, and rolls back once it cannot', () => {
    // The candidate has 60 % of the units where 25 % were meant, and fails no more often than the control.
    const same = { actual: 0.6, candidateErrors: 0.2, controlErrors: 0.2 };
    const explained = judge(look(same));
    expect(explained.numbers.e).toBeGreaterThan(1000);
    expect([explained.verdict, explained.reasons]).toEqual(['hold', ['sample_ratio_mismatch']]);
    const worse = judge(look({ ...same, candidateErrors: 0.9 }));
    expect([worse.verdict, worse.reasons]).toEqual(['rollBack', ['worse:error_rate']]);
    expect(worse.numbers.least_favourable?.threshold).toBe(40);
  });
  it('rolls hardly any identical candidate back, however wrong the share is', () => {
    let wrong = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const input = look({ actual: 0.4, candidateErrors: 0.05, controlErrors: 0.05, seed }, { crossedUnits: 3 });
      const cells = input.exposures as CountCell[];
      for (let to = 5; to <= cells.length; to += 5) {
        const [guardrail] = input.guardrails;
        if (guardrail?.kind !== 'proportion') throw new Error('a guardrail on events');
        const seen = { ...guardrail, cells: (guardrail.cells as CountCell[]).slice(0, to) };
        const { verdict } = judge({ ...input, exposures: cells.slice(0, to), guardrails: [seen], nowSecond: to });
        if (verdict !== 'rollBack') continue;
        wrong++;
        break;
      }
    }
    expect(wrong).toBeLessThanOrEqual(10);
  });
});

describe('a candidate that is out of service', () => {
  it('holds by that name once it is so for longer than the policy says, with the seconds', () => {
    const out = (seconds: number) => judge(look({}, { outOfService: { seconds, limitSeconds: 60 } }));
    expect(out(60).verdict).toBe('advance');
    const { verdict, reasons, sentence, numbers } = out(75.4);
    expect([verdict, reasons]).toEqual(['hold', ['out_of_service']]);
    expect(sentence).toContain('the candidate has been out of service for 75 s (at most 60 s are allowed)');
    expect(numbers.out_of_service).toEqual({ seconds: 75.4, limit_seconds: 60 });
  });
  it('is rolled back rather than paused when it is proven worse', () =>
    expect(judge(look({ candidateErrors: 0.9 }, { outOfService: { seconds: 75, limitSeconds: 60 } })).verdict).toBe(
      'rollBack',
    ));
});

import type { CountCell } from '../e-process/counts.ts';
import type { ProportionGuardrail } from '../guardrails/proportion.ts';
import type { JudgeInput } from './input.ts';

/** An ordinary look, and how it may differ. */
export const cells = (control: number, candidate: number, weight = 0.25, seconds = 30): CountCell[] =>
  Array.from({ length: seconds }, (_, second) => ({ second, weight, control, candidate }));

export function errors(
  control: [number, number],
  candidate: [number, number],
  over: CountCell[] = [],
): ProportionGuardrail {
  return {
    kind: 'proportion',
    metric: 'error_rate',
    source: 'error',
    direction: 'lower',
    margin: 1.25,
    cells: over,
    step: {
      control: { units: control[1], events: control[0] },
      candidate: { units: candidate[1], events: candidate[0] },
    },
  };
}
export function input(change: Partial<JudgeInput> = {}, step: Partial<JudgeInput['step']> = {}): JudgeInput {
  return {
    alpha: 0.05,
    startSecond: 0,
    nowSecond: 30,
    plannedSeconds: 60,
    guardrails: [errors([0, 900], [0, 300])],
    exposures: cells(30, 10),
    crossedUnits: 0,
    ...change,
    step: {
      index: 0,
      weight: 0.25,
      activeSeconds: 30,
      dwellSeconds: 20,
      until: { requests: 200 },
      totals: { control: { requests: 900, units: 900 }, candidate: { requests: 300, units: 300 } },
      ...step,
    },
  };
}

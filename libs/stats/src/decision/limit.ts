import type { GuardrailNumbers, LimitState } from './judgement.ts';

/** Where a guardrail's figures of the present step stand to its limit. */
export function limitState(g: GuardrailNumbers, threshold: number): LimitState {
  if (g.e >= threshold) return 'proven broken';
  // A harm that is excluded is no proof of the margin, unless it is no greater.
  if (g.proof?.state === 'proved') return 'proven kept';
  if (g.harm?.excluded && g.direction === 'lower' && (g.harm.harm ?? Infinity) <= g.margin) return 'proven kept';
  return breaksLimit(g) ? 'point estimate breaks it' : 'not excluded';
}

/** Fewest events, over both arms, and answers of each from which a figure is worth comparing with a limit. */
const POINT_EVENTS = 20;
const POINT_ANSWERS = 100;

/** Whether the candidate's own figure of the present step is beyond its limit, on enough data to be told. */
function breaksLimit(g: GuardrailNumbers): boolean {
  if (g.role !== 'guardrail') return false;
  if (g.quantiles) {
    const { control, candidate } = g.quantiles;
    if (!control || !candidate || Math.min(control.answers, candidate.answers) < POINT_ANSWERS) return false;
    return candidate.p50 > g.margin * control.p50;
  }
  const { control, candidate } = g;
  if (!control?.rate || candidate?.rate === null || candidate?.rate === undefined) return false;
  if (control.events + candidate.events < POINT_EVENTS || g.margin === 1) return false;
  return g.direction === 'higher' ? candidate.rate < g.margin * control.rate : candidate.rate > g.margin * control.rate;
}

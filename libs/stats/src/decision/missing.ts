import { MIN_UNITS } from '../guardrails/kind.ts';
import { type GuardrailNumbers, kindOf } from '../guardrails/kinds.ts';
import type { JudgeInput } from './input.ts';

/** A guardrail with an e-value of this or more is in doubt: the candidate's share does not grow. */
export const DOUBT = 2;

/** Why a candidate may not advance yet, as machine-readable reasons; empty when it may. */
export function missing({ step, guardrails }: JudgeInput, numbers: GuardrailNumbers[]): string[] {
  const out: string[] = [];
  // At a weight of 1 nothing can resolve doubt, and the share cannot be kept small; late outcomes can still roll back.
  if (step.weight < 1)
    for (const g of numbers) if (g.role === 'guardrail' && g.e >= DOUBT) out.push(`in_doubt:${g.metric}`);
  for (const g of numbers)
    if (g.proof && g.proof.state !== 'proved')
      out.push(`${g.role === 'goal' ? 'goal_open' : 'not_proved'}:${g.metric}`);
  if (step.lastComparison)
    for (const g of numbers)
      if (g.role === 'guardrail' && g.harm && !g.harm.excluded) out.push(`harm_open:${g.metric}`);
  // Figures beyond a limit stop the promotion even if they may be chance. In earlier steps a larger share gives more
  // information than waiting; at a weight of 1 no further data can decide.
  for (const g of numbers)
    if (
      step.promotes &&
      step.weight < 1 &&
      g.limit === 'point estimate breaks it' &&
      !out.includes(`in_doubt:${g.metric}`)
    )
      out.push(`limit_broken:${g.metric}`);
  for (const g of guardrails) out.push(...kindOf(g).missing(g, step));
  // Requests that the control cannot answer either do not roll back, but prevent a promotion.
  if (step.weight >= 1 && guardrails.some((g) => kindOf(g).alone?.(g) === 'outage')) out.push('outage');
  if (step.totals.candidate.requests < Math.max(MIN_UNITS, step.until.requests ?? 0))
    out.push('insufficient_data:requests');
  if (step.totals.candidate.units < (step.until.units ?? 0)) out.push('insufficient_data:units');
  if (step.activeSeconds < step.dwellSeconds) out.push('dwell');
  return out;
}

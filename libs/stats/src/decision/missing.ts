import { MIN_UNITS } from '../guardrails/kind.ts';
import { type GuardrailNumbers, kindOf } from '../guardrails/kinds.ts';
import type { JudgeInput } from './input.ts';

/** A guardrail with an e-value of this or more is in doubt: the rollout stays as small as it is. */
export const DOUBT = 2;

/** Why a candidate may not advance yet, as machine-readable reasons; empty when it may. */
export function missing({ step, guardrails }: JudgeInput, numbers: GuardrailNumbers[]): string[] {
  const out: string[] = [];
  // Where the candidate has everything, doubt can neither be resolved nor keep it small; what still comes in late can
  // roll it back.
  if (step.weight < 1)
    for (const g of numbers) if (g.role === 'guardrail' && g.e >= DOUBT) out.push(`in_doubt:${g.metric}`);
  for (const g of numbers)
    if (g.proof && g.proof.state !== 'proved')
      out.push(`${g.role === 'goal' ? 'goal_open' : 'not_proved'}:${g.metric}`);
  if (step.lastComparison)
    for (const g of numbers)
      if (g.role === 'guardrail' && g.harm && !g.harm.excluded) out.push(`harm_open:${g.metric}`);
  // A limit that the figures break is not promoted on the ground that chance may have broken it. Before that, a larger
  // share tells more of it than waiting does; where nothing is concurrent any more, nothing can tell.
  for (const g of numbers)
    if (
      step.promotes &&
      step.weight < 1 &&
      g.limit === 'point estimate breaks it' &&
      !out.includes(`in_doubt:${g.metric}`)
    )
      out.push(`limit_broken:${g.metric}`);
  for (const g of guardrails) out.push(...kindOf(g).missing(g, step));
  // Nobody is rolled back for what the control cannot answer either, and nobody is promoted in the midst of it.
  if (step.weight >= 1 && guardrails.some((g) => kindOf(g).alone?.(g) === 'outage')) out.push('outage');
  if (step.totals.candidate.requests < Math.max(MIN_UNITS, step.until.requests ?? 0))
    out.push('insufficient_data:requests');
  if (step.totals.candidate.units < (step.until.units ?? 0)) out.push('insufficient_data:units');
  if (step.activeSeconds < step.dwellSeconds) out.push('dwell');
  return out;
}

import type { JudgeInput } from './input.ts';
import { kindOf } from '../guardrails/kinds.ts';

/** Errors ⅓, latency ⅙, latency's p99 ⅙, outcomes ⅓ together; renormalised over those in force. */
export function stakes(guardrails: JudgeInput['guardrails']): number[] {
  const guards = (g: JudgeInput['guardrails'][number]) => (g.role ?? 'guardrail') === 'guardrail';
  const outcomes = guardrails.filter((g) => kindOf(g).stake(g) === 'outcome' && guards(g)).length;
  const raw = guardrails.map((g) => {
    if (!guards(g) || !kindOf(g).inForce(g)) return 0;
    return kindOf(g).stake(g) === 'outcome' ? 1 / 3 / outcomes : 1 / 3;
  });
  const sum = raw.reduce((a, b) => a + b, 0);
  return raw.map((x) => (sum > 0 ? x / sum : 0));
}

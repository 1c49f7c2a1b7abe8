import type { Compared, LimitState } from '../guardrails/kind.ts';
import { type GuardrailNumbers, kindOf } from '../guardrails/kinds.ts';

/**
 * The candidate's figures of the present step that there is enough of to be compared with the limit, and those that are
 * beyond it. A limit of exactly 1 (no worse at all) is judged by the evidence alone: half of all good candidates are a
 * little beyond it at any moment.
 */
export function compareFigures(g: GuardrailNumbers): Compared {
  return g.role !== 'guardrail' || g.margin === 1 ? { compared: [], beyond: [] } : kindOf(g).compare(g);
}

/**
 * Where a guardrail's figures of the present step stand to its limit.
 * @param proven whether its own part of the evidence rolls back: guardrails share α by their stakes, and beside a fault
 * of exposure only what the fault cannot explain counts
 */
export function limitState(g: GuardrailNumbers, proven: boolean): LimitState {
  if (proven) return 'proven broken';
  if (g.proof?.state === 'proved') return 'proven kept';
  // A harm that is excluded is no proof of the margin, unless it is no greater.
  const { harm } = g;
  if (harm?.excluded && kindOf(g).isKeptByExclusion?.({ ...g, harm })) return 'proven kept';
  return g.beyond.length > 0 ? 'point estimate breaks it' : 'not excluded';
}

import type { JudgeInput } from './input.ts';

/** Errors ⅓, latency ⅙, latency's p99 ⅙, outcomes ⅓ together; renormalised over those in force. */
export function stakes(guardrails: JudgeInput['guardrails']): number[] {
  const guards = (g: JudgeInput['guardrails'][number]) =>
    g.kind === 'latency' || (g.role ?? 'guardrail') === 'guardrail';
  const outcomes = guardrails.filter((g) => g.kind === 'events' && g.source === 'outcome' && guards(g)).length;
  const raw = guardrails.map((g) =>
    !guards(g) ? 0 : g.kind === 'latency' ? (g.masses ? 1 / 3 : 0) : g.source === 'error' ? 1 / 3 : 1 / 3 / outcomes,
  );
  const sum = raw.reduce((a, b) => a + b, 0);
  return raw.map((x) => (sum > 0 ? x / sum : 0));
}

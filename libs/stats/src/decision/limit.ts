import type { Figure, GuardrailNumbers, LimitState } from './judgement.ts';

/** Fewest events, over both arms, from which rates are worth comparing with a limit. */
const POINT_EVENTS = 20;
/** Fewest answers of each arm from which a quantile is: 50 of them lie beyond it. */
const POINT_ANSWERS = { p50: 100, p90: 500, p99: 5000 } as const;

type Compared = { compared: Figure[]; beyond: Figure[] };

/**
 * The candidate's figures of the present step that there is enough of to be compared with the limit, and those that are
 * beyond it. A limit on latency is one on the whole distribution, so every quantile has to keep it. A limit of exactly
 * 1 (no worse at all) is judged by the evidence alone: half of all good candidates are a little beyond it at any
 * moment.
 */
export function compareFigures(g: Omit<GuardrailNumbers, 'limit' | keyof Compared>): Compared {
  if (g.role !== 'guardrail' || g.margin === 1) return { compared: [], beyond: [] };
  const { control, candidate, margin } = g;
  if (control && candidate) {
    if (control.rate === null || candidate.rate === null || control.events + candidate.events < POINT_EVENTS)
      return { compared: [], beyond: [] };
    const limit = margin * control.rate;
    const isBeyond = g.direction === 'higher' ? candidate.rate < limit : candidate.rate > limit;
    return { compared: ['rate'], beyond: isBeyond ? ['rate'] : [] };
  }
  const { control: its, candidate: own } = g.quantiles ?? {};
  if (!its || !own) return { compared: [], beyond: [] };
  const answers = Math.min(its.answers, own.answers);
  const compared = (['p50', 'p90', 'p99'] as const).filter((q) => answers >= POINT_ANSWERS[q]);
  return { compared, beyond: compared.filter((q) => own[q] > margin * its[q]) };
}

/**
 * Where a guardrail's figures of the present step stand to its limit.
 * @param proven whether its own part of the evidence rolls back: guardrails share α by their stakes, and beside a fault
 * of exposure only what the fault cannot explain counts
 */
export function limitState(g: GuardrailNumbers, proven: boolean): LimitState {
  if (proven) return 'proven broken';
  // A harm that is excluded is no proof of the margin, unless it is no greater.
  if (g.proof?.state === 'proved') return 'proven kept';
  if (g.harm?.excluded && g.direction === 'lower' && (g.harm.harm ?? Infinity) <= g.margin) return 'proven kept';
  return g.beyond.length > 0 ? 'point estimate breaks it' : 'not excluded';
}

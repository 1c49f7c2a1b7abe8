import { z } from 'zod';
import { nameSchema, ProblemError, shapeOf } from '@slipway/core';
import { METRIC_KINDS, kindsWith, metricKind, metricKindNames } from './kinds.ts';
import type { Metric } from './metric.ts';

export const guardrailSchema = z.strictObject({
  metric: nameSchema,
  /** Limit of candidate over control, for metrics where lower is better. At least 1. */
  maxRatio: z.number().min(1).max(100).optional(),
  /** Limit of candidate over control, for metrics where higher is better. At most 1. */
  minRatio: z.number().gt(0).max(1).optional(),
  /** `watch`: reported with every verdict, without effect on it. */
  role: z.enum(['guardrail', 'watch']).optional(),
  /**
   * Require proof that the margin is kept before the candidate may advance, not only that there is no evidence against
   * it.
   */
  proof: z.boolean().optional(),
  /**
   * The smallest harm that must not be missed: candidate over control, or a difference of rates; the smaller of the
   * two. The last step in which both versions serve ends only when this harm is excluded, so too little traffic holds.
   */
  harm: z
    .strictObject({ ratio: z.number().gt(0).max(100).optional(), absolute: z.number().gt(0).lt(1).optional() })
    .refine((h) => h.ratio !== undefined || h.absolute !== undefined, 'name a ratio, a difference, or both')
    .optional(),
  ...shapeOf(METRIC_KINDS, 'options'),
});
export type Guardrail = z.infer<typeof guardrailSchema>;

/** The margin of a guardrail: its own, else the metric's, else none. */
export function marginOf(guardrail: Guardrail, metric: Metric): number {
  return guardrail.maxRatio ?? guardrail.minRatio ?? metric.margin ?? 1;
}

/** Refuses a metric that no analyser can judge. @throws ProblemError not_supported */
export function checkJudgeable({ kind, source, per }: Metric): void {
  if (metricKind(kind).takes({ source, per })) return;
  const of = 'field' in source ? `the field ${source.field}` : `an outcome per ${per}`;
  const possible = metricKindNames.map((name) => metricKind(name).of).join(', or ');
  const message = `"${kind}" of ${of} cannot be judged yet: it takes ${possible}`;
  throw new ProblemError('not_supported', `kind: ${message}`, { errors: [{ field: 'kind', message }] });
}

/** What is wrong with a guardrail, given its metric's declaration: the field, and the reason. */
function wrongWith(g: Guardrail, metric: Metric): [field: string, message: string] | undefined {
  const kind = metricKind(metric.kind);
  const { direction } = metric;
  if (!kind.takes(metric)) return ['metric', `"${g.metric}" cannot be judged; a guardrail needs ${kind.of}`];
  if (direction === 'lower' && g.minRatio !== undefined)
    return ['minRatio', `lower is better for "${g.metric}": give maxRatio`];
  if (direction === 'higher' && g.maxRatio !== undefined)
    return ['maxRatio', `higher is better for "${g.metric}": give minRatio`];
  const only = (has: Parameters<typeof kindsWith>[0], what: string) =>
    `"${g.metric}" is a ${metric.kind}; only a ${kindsWith(has)} can be ${what} so far`;
  if (g.role === 'watch' && !kind.watched) return ['role', only((k) => k.watched, 'watched')];
  if (g.proof && !kind.proved) return ['proof', only((k) => k.proved, 'proved')];
  if (g.harm) {
    if (g.role === 'watch') return ['harm', 'a metric with the role "watch" has no effect on the verdict'];
    for (const as of ['ratio', 'absolute'] as const)
      if (g.harm[as] !== undefined && !kind.harm.includes(as))
        return [`harm.${as}`, `"${g.metric}" is a ${metric.kind}; ${harmOf(kind.harm)}`];
    if (g.harm.ratio !== undefined && (direction === 'lower' ? g.harm.ratio <= 1 : g.harm.ratio >= 1)) {
      const side = direction === 'lower' ? 'above' : 'below';
      return ['harm.ratio', `${direction} is better for "${g.metric}": a harm is a ratio ${side} 1`];
    }
  }
  for (const name of metricKindNames)
    for (const option of Object.keys(metricKind(name).options))
      if (name !== metric.kind && (g as Readonly<Record<string, unknown>>)[option] !== undefined)
        return [option, `"${g.metric}" is a ${metric.kind}; only a ${name} has it`];
  return undefined;
}

const harmOf = (named: readonly string[]): string =>
  named.length === 0 ? 'no harm can be excluded for it so far' : `its harm is named as ${named.join(' or ')}`;

/** Checks a guardrail against its metric's declaration. @throws ProblemError naming the guardrail's field */
export function checkGuardrail(g: Guardrail, metric: Metric | undefined, index: number): Metric {
  const wrong = metric
    ? wrongWith(g, metric)
    : (['metric', `there is no metric "${g.metric}"; declare it with PUT /v1/metrics/${g.metric}`] as const);
  if (metric && !wrong) return metric;
  const [name, message] = wrong ?? ['metric', ''];
  const field = `guardrails.${index}.${name}`;
  throw new ProblemError('unmet_reference', `${field}: ${message}`, { errors: [{ field, message }] });
}

/**
 * Checks the goal of a step. @throws ProblemError naming the step's field
 *
 * @param goal the field of the specification, and the metric's name in it
 */
export function checkGoal({ field, metric: name }: { field: string; metric: string }, metric?: Metric): Metric {
  if (metric && metricKind(metric.kind).isGoal(metric)) return metric;
  const possible = () => kindsWith((kind) => kind.isGoal({ source: { outcome: name }, per: 'exposed' }));
  const message = metric
    ? `"${name}" cannot be a goal: that takes an outcome, as a ${possible()}`
    : `there is no metric "${name}"; declare it with PUT /v1/metrics/${name}`;
  throw new ProblemError('unmet_reference', `${field}: ${message}`, { errors: [{ field, message }] });
}

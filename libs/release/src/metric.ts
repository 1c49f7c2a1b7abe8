import { z } from 'zod';
import { nameSchema } from '@slipway/core';
import { durationMs, durationSchema, isDuration } from '@slipway/core';

/** Outcomes are kept longer than this, so a window can end before they go. */
const LONGEST_WINDOW_MS = 90 * 86_400_000;

/** A field of the prediction row, or an outcome by its name, optionally compared with an output of the prediction. */
export const metricSourceSchema = z.union([
  z.strictObject({ field: z.enum(['error', 'latency_us']) }),
  z.strictObject({
    outcome: nameSchema,
    /** The event counts when the outcome's value differs from (or equals) the first element of this output tensor. */
    compare: z
      .union([z.strictObject({ differs_from: z.string().min(1) }), z.strictObject({ equals: z.string().min(1) })])
      .optional(),
  }),
]);

/**
 * What a metric of an outcome is divided by. `exposed`: every unit that was exposed and whose window is over; a unit
 * without the outcome did not do it (a conversion). `observed`: units with an outcome only; of the others nothing is
 * known (an error that a label finds), so the reporter must post the good ones as well as the bad.
 */
export const metricPerSchema = z.enum(['exposed', 'observed']);

/** The fields of a metric, without the rule that ties `per` to the source: {@link checkPer}. */
export const metricFieldsSchema = z.strictObject({
  name: nameSchema,
  kind: z.enum(['proportion', 'mean', 'ratio', 'quantile']),
  source: metricSourceSchema,
  per: metricPerSchema
    .optional()
    .describe(
      'Required of an outcome, refused of a field. exposed: per unit exposed whose window is over, no outcome counts ' +
        'as none; observed: per unit with an outcome.',
    ),
  direction: z.enum(['lower', 'higher']),
  /** Default margin: candidate over control that is still acceptable. */
  margin: z.number().gt(0).optional(),
  window: durationSchema
    .default('1h')
    .refine((text) => !isDuration(text) || (durationMs(text) > 0 && durationMs(text) <= LONGEST_WINDOW_MS), {
      error: 'a window is longer than 0 and at most 90d',
    })
    .describe(
      'An outcome counts when it reaches Kafka within this time: per exposed, of the first exposure of its unit to a ' +
        'step; per observed, of the prediction that it is about.',
    ),
  description: z.string().max(500).default(''),
});

/** Without a default: the wrong divisor proves what is not so, and nobody can tell the right one from a name. */
export function checkPer(
  metric: { source: MetricSource; per?: MetricPer | undefined },
  context: z.RefinementCtx,
): void {
  const add = (message: string) => context.addIssue({ code: 'custom', path: ['per'], message });
  if ('outcome' in metric.source && metric.per === undefined)
    add(
      'say what an outcome is divided by: "exposed" (units exposed whose window is over; no outcome counts as none: ' +
        'a conversion) or "observed" (units with an outcome: an error that a label finds)',
    );
  if ('field' in metric.source && metric.per !== undefined)
    add('only an outcome is counted per "exposed" or "observed"; a field is of the requests themselves');
}

/** A metric is declared once and used by name. */
export const metricSchema = metricFieldsSchema.superRefine(checkPer);
export type Metric = z.infer<typeof metricSchema>;
export type MetricPer = z.infer<typeof metricPerSchema>;
export type MetricSource = z.infer<typeof metricSourceSchema>;

/** Metrics that every deployment has; they cannot be redefined. */
export const builtInMetrics: readonly Metric[] = [
  {
    name: 'error_rate',
    kind: 'proportion',
    source: { field: 'error' },
    direction: 'lower',
    margin: 1.25,
    window: '1h',
    description:
      'Requests answered with a status of 400 or more, by a fallback, or later than a candidate is waited for, per ' +
      'request; the first per unit and step counts.',
  },
  {
    name: 'latency',
    kind: 'quantile',
    source: { field: 'latency_us' },
    direction: 'lower',
    margin: 1.2,
    window: '1h',
    description: 'Microseconds from the request at the router to its answer; judged as a distribution.',
  },
];

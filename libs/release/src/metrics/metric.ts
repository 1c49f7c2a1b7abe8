import { z } from 'zod';
import { durationMs, durationSchema, isDuration, nameSchema, shapeOf } from '@slipway/core';
import { type MetricPer, metricPerSchema, type MetricSource, metricSourceSchema } from './kind.ts';
import { METRIC_KINDS, metricKind, metricKindNames } from './kinds.ts';

/** Longest window: outcomes are kept longer than this. */
const LONGEST_WINDOW_MS = 90 * 86_400_000;

/** The fields of a metric, without the rules that relate them to its source and kind: {@link checkDeclaration}. */
export const metricFieldsSchema = z.strictObject({
  name: nameSchema,
  kind: z.enum(metricKindNames),
  source: metricSourceSchema,
  per: metricPerSchema
    .optional()
    .describe(
      'Required of an outcome, refused of a field. exposed: per unit exposed whose window is over, no outcome counts ' +
        'as none; observed: per unit with an outcome.',
    ),
  direction: z.enum(['lower', 'higher']),
  /** Default margin: the acceptable ratio of candidate over control. */
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
  ...shapeOf(METRIC_KINDS, 'fields'),
});
type Fields = z.infer<typeof metricFieldsSchema>;

/** Checks the fields of a metric against its source and its kind. */
export function checkDeclaration(metric: Omit<Fields, 'name'>, context: z.RefinementCtx): void {
  const add = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
  // There is no default, because a wrong divisor leads to wrong verdicts, and a name does not tell which one is right.
  if ('outcome' in metric.source && metric.per === undefined)
    add(
      'per',
      'say what an outcome is divided by: "exposed" (units exposed whose window is over; no outcome counts as none: ' +
        'a conversion) or "observed" (units with an outcome: an error that a label finds)',
    );
  if ('field' in metric.source && metric.per !== undefined)
    add('per', 'only an outcome is counted per "exposed" or "observed"; a field is of the requests themselves');
  const given = metric as Readonly<Record<string, unknown>>;
  for (const name of metricKindNames)
    for (const field of Object.keys(metricKind(name).fields)) {
      if (name !== metric.kind && given[field] !== undefined) add(field, `only a metric of the kind "${name}" has it`);
      if (name === metric.kind && given[field] === undefined && metricKind(name).required?.includes(field))
        add(field, `a metric of the kind "${name}" has to say it`);
    }
}

/** A metric is declared once and referred to by name. */
export const metricSchema = metricFieldsSchema.superRefine(checkDeclaration);
export type Metric = z.infer<typeof metricSchema>;
export type { MetricPer, MetricSource };

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
      'Requests answered with a status of 400 or more, by a fallback, or later than a candidate is given, per ' +
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

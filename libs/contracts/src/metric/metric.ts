import { z } from 'zod';
import { nameSchema } from '../names.ts';
import { durationSchema } from '../rollout/units.ts';

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

/** A metric is declared once and used by name. */
export const metricSchema = z.strictObject({
  name: nameSchema,
  kind: z.enum(['proportion', 'mean', 'ratio', 'quantile']),
  source: metricSourceSchema,
  direction: z.enum(['lower', 'higher']),
  /** Default margin: candidate over control that is still acceptable. */
  margin: z.number().gt(0).optional(),
  /** An outcome counts when it comes within this time of the prediction. */
  window: durationSchema.default('1h'),
  description: z.string().max(500).default(''),
});
export type Metric = z.infer<typeof metricSchema>;

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
      'Requests answered with a status of 400 or more, or by a fallback, per request; the first per unit and ' +
      'step counts.',
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

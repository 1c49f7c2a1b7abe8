import { z } from 'zod';
import { nameSchema } from '@slipway/core';

/** A field of the prediction row, or an outcome by name, optionally compared with an output of the prediction. */
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
export type MetricSource = z.infer<typeof metricSourceSchema>;

/**
 * What a metric of an outcome is divided by. `exposed`: every unit that was exposed and whose window is over; a unit
 * without the outcome counts as not having the event (a conversion). `observed`: only units with an outcome; nothing is
 * known of the others (an error that a label shows), so the reporter must post good outcomes as well as bad ones.
 */
export const metricPerSchema = z.enum(['exposed', 'observed']);
export type MetricPer = z.infer<typeof metricPerSchema>;

/** The source of a metric. */
export type Told = { source: MetricSource; per?: MetricPer | undefined };

/** The fields of one or several schemas by name. */
export type Shape = Readonly<Record<string, z.ZodType>>;

/** What one kind of metric may declare, and what a guardrail may ask of it: one value a kind, listed in `kinds.ts`. */
export type MetricKind<Fields extends Shape = Shape, Options extends Shape = Shape> = {
  /** Its possible sources, for messages. */
  readonly of: string;
  /** Whether analysers can judge it with this source. */
  takes(told: Told): boolean;
  /** Fields that only metrics of this kind declare. In the schema of all metrics these fields are optional. */
  readonly fields: Fields;
  /** Those of these fields that are required. */
  readonly required?: readonly string[];
  /** Fields that only guardrails of this kind take. In the schema of all guardrails these fields are optional. */
  readonly options: Options;
  /** Whether it can have the role `watch`. */
  readonly watched: boolean;
  /** Whether it can be proved that a margin is kept. */
  readonly proved: boolean;
  /** How a harm that must not be missed can be given. */
  readonly harm: readonly ('ratio' | 'absolute')[];
  /** Whether it can be an experiment's goal with this source. */
  isGoal(told: Told): boolean;
};

/** Keeps the types of the fields. */
export const defineMetric = <const F extends Shape, const O extends Shape>(kind: MetricKind<F, O>): MetricKind<F, O> =>
  kind;

import { z } from 'zod';
import { nameSchema } from '@slipway/core';

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
export type MetricSource = z.infer<typeof metricSourceSchema>;

/**
 * What a metric of an outcome is divided by. `exposed`: every unit that was exposed and whose window is over; a unit
 * without the outcome did not do it (a conversion). `observed`: units with an outcome only; of the others nothing is
 * known (an error that a label finds), so the reporter must post the good ones as well as the bad.
 */
export const metricPerSchema = z.enum(['exposed', 'observed']);
export type MetricPer = z.infer<typeof metricPerSchema>;

/** What a metric is told of. */
export type Told = { source: MetricSource; per?: MetricPer | undefined };

/** The fields of one or several schemas by their names. */
export type Shape = Readonly<Record<string, z.ZodType>>;

/** What may be declared of one kind of metric, and asked of it by a guardrail: a value each, listed in `kinds.ts`. */
export type MetricKind<Fields extends Shape = Shape, Options extends Shape = Shape> = {
  /** What it can be told of, in words. */
  readonly of: string;
  /** Whether analysers can judge it when it is told of this. */
  takes(told: Told): boolean;
  /** What only metrics of this kind declare. In the schema of all metrics these fields are optional. */
  readonly fields: Fields;
  /** Of those fields the ones that have to be there. */
  readonly required?: readonly string[];
  /** What only guardrails of this kind take. In the schema of all guardrails these fields are optional. */
  readonly options: Options;
  /** Whether it can be told beside every verdict and decide nothing. */
  readonly watched: boolean;
  /** Whether it can be proved that a margin is kept. */
  readonly proved: boolean;
  /** In which ways a harm that must not be missed can be named. */
  readonly harm: readonly ('ratio' | 'absolute')[];
  /** Whether an experiment can have it as its goal, when it is told of this. */
  isGoal(told: Told): boolean;
};

/** Keeps the types of the fields. */
export const defineMetric = <const F extends Shape, const O extends Shape>(kind: MetricKind<F, O>): MetricKind<F, O> =>
  kind;

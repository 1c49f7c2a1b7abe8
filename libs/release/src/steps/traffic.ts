import { z } from 'zod';
import { durationSchema } from '@slipway/core';
import { type Alpha, ANALYSERS, candidateAt, dwellOf, type Leave, type Place, warmForItsShare } from './step.ts';

/** Shared by the kinds of steps that are judged by their traffic. */

/** Counts of the candidate; all that are given must be reached. */
export const untilSchema = z.strictObject({
  requests: z.int().min(1).optional(),
  units: z.int().min(1).optional(),
  for: durationSchema.optional(),
});

/** The step ends when its traffic is proven good and, where the rollout requires it, the data have not moved. */
export const onTraffic = (_: unknown, { drift }: Place): Leave => ({
  analysers: drift ? [ANALYSERS.traffic, ANALYSERS.drift] : [ANALYSERS.traffic],
});

/** One test over all traffic that the candidate ever serves. */
export const TRAFFIC_ALPHA: Alpha = { analyser: ANALYSERS.traffic, rest: true };

type Policy = { until: z.output<typeof untilSchema> };

/** The answers of kinds that give the candidate a share until its counts are met and its traffic is proven good. */
export const UNTIL_PROVEN = {
  dwellMs: ({ until }: Policy) => dwellOf(until.for),
  enter: warmForItsShare,
  leave: onTraffic,
  alpha: TRAFFIC_ALPHA,
  sentence: candidateAt,
  counts: ({ until }: Policy) => until,
};

import { z } from 'zod';
import { durationSchema } from '@slipway/core';
import { type Alpha, ANALYSERS, type Leave, type Place } from './step.ts';

/** What the kinds of steps that are judged by their traffic have in common. */

/** Counts are the candidate's own; all that are given must be reached. */
export const untilSchema = z.strictObject({
  requests: z.int().min(1).optional(),
  units: z.int().min(1).optional(),
  for: durationSchema.optional(),
});

/** It ends once its traffic is proven good, and the data have not moved where the rollout watches that. */
export const onTraffic = (_: unknown, { drift }: Place): Leave => ({
  analysers: drift ? [ANALYSERS.traffic, ANALYSERS.drift] : [ANALYSERS.traffic],
});

/** One test over everything that the candidate ever serves. */
export const TRAFFIC_ALPHA: Alpha = { analyser: ANALYSERS.traffic, rest: true };

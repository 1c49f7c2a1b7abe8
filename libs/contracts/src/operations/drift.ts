import { nameSchema, timeMsSchema } from '@slipway/core';
import { z } from 'zod';
import { soughtName } from '../rest/fields.ts';
import { operation } from '../rest/operation.ts';

const featureDriftSchema = z.object({
  feature: z.string(),
  /** Population stability index of the newest window; null when it has too few rows. */
  psi: z.number().nullable(),
  p: z.number().nullable(),
  /** Rows of the newest window. */
  n: z.int(),
  /** So many rows tell as much as one that is independent of the others. */
  effect: z.number(),
  alarm: z.boolean(),
});

const judgementSchema = z.object({
  state: z.enum(['insufficient_data', 'stable', 'moved']),
  /** Significance in the newest window. */
  rows: z.int(),
  /** How many of the latest windows have enough rows. */
  windows: z.int(),
  /** When there are too few windows: the rows that a window needs, and the number of windows. */
  needed: z.number().optional(),
  windows_needed: z.int().optional(),
  features: z.array(featureDriftSchema),
  /** Names of the features that have moved. */
  moved: z.array(z.string()),
});

/** drift-monitor's result for one endpoint after a look. */
export const endpointDriftSchema = z.object({
  endpoint: nameSchema,
  /** `model:version`. */
  version: z.string(),
  looked_at: timeMsSchema,
  /** Start of the oldest window in the look. */
  since: timeMsSchema,
  /** `no_profile`: the version has no reference profile. */
  state: z.enum(['insufficient_data', 'stable', 'moved', 'no_profile']),
  note: z.string(),
  inputs: judgementSchema.nullable(),
  outputs: judgementSchema.nullable(),
  /** The rollout whose arms were compared; empty when none was under way. */
  rollout_id: z.string(),
  /** The answers of each candidate against the concurrent control's, by the candidate's arm. */
  arms: z.record(z.string(), judgementSchema),
  /** No data have arrived for several looks in a row. */
  lasting: z.boolean(),
  losses: z.array(
    z.object({
      outcome: z.string(),
      output: z.string(),
      state: z.enum(['insufficient_data', 'as_before', 'lost']),
      /** Errors per labelled request; null without labelled requests. */
      rate: z.number().nullable(),
      /** The same on held-out data, from the version's registration. */
      reference: z.number(),
      windows: z.array(z.object({ rows: z.number(), errors: z.number() })),
    }),
  ),
});

export const drift = {
  list: operation({
    method: 'get',
    path: '/v1/drift',
    summary: 'The latest look at each endpoint',
    role: 'viewer',
    response: z.object({ items: z.array(endpointDriftSchema) }),
  }),
  get: operation({
    method: 'get',
    path: '/v1/drift/{endpoint}',
    summary: 'The latest look at one endpoint',
    role: 'viewer',
    params: { endpoint: soughtName },
    response: endpointDriftSchema,
  }),
};

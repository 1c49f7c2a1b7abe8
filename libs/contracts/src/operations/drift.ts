import { nameSchema, timeMsSchema } from '@slipway/core';
import { z } from 'zod';
import { soughtName } from '../rest/fields.ts';
import { operation } from '../rest/operation.ts';

const featureDriftSchema = z.object({
  feature: z.string(),
  /** Population stability index of the newest window; null where it has too few rows. */
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
  /** Of the newest window. */
  rows: z.int(),
  /** Of the last ones, those with enough rows. */
  windows: z.int(),
  /** Where the windows are too few: the rows that a window takes, and how many windows it takes. */
  needed: z.number().optional(),
  windows_needed: z.int().optional(),
  features: z.array(featureDriftSchema),
  /** Names of the features that have moved. */
  moved: z.array(z.string()),
});

/** What drift-monitor knows of one endpoint after a look. */
export const endpointDriftSchema = z.object({
  endpoint: nameSchema,
  /** `model:version`. */
  version: z.string(),
  looked_at: timeMsSchema,
  /** Start of the oldest window that was looked at. */
  since: timeMsSchema,
  /** `no_profile`: the version has no reference to compare with. */
  state: z.enum(['insufficient_data', 'stable', 'moved', 'no_profile']),
  note: z.string(),
  inputs: judgementSchema.nullable(),
  outputs: judgementSchema.nullable(),
  /** The rollout whose arms were compared; empty when none was under way. */
  rollout_id: z.string(),
  /** The answers of each candidate against the concurrent control's, by the candidate's arm. */
  arms: z.record(z.string(), judgementSchema),
  /** The data have stayed away for several looks in a row. */
  lasting: z.boolean(),
  losses: z.array(
    z.object({
      outcome: z.string(),
      output: z.string(),
      state: z.enum(['insufficient_data', 'as_before', 'lost']),
      /** Errors per labelled request; null without any. */
      rate: z.number().nullable(),
      /** The same, when the version was registered. */
      reference: z.number(),
      windows: z.array(z.object({ rows: z.number(), errors: z.number() })),
    }),
  ),
});

export const drift = {
  list: operation({
    method: 'get',
    path: '/v1/drift',
    summary: 'The last look at each endpoint',
    role: 'viewer',
    response: z.object({ items: z.array(endpointDriftSchema) }),
  }),
  get: operation({
    method: 'get',
    path: '/v1/drift/{endpoint}',
    summary: 'The last look at one endpoint',
    role: 'viewer',
    params: { endpoint: soughtName },
    response: endpointDriftSchema,
  }),
};

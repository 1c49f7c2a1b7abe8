import { z } from 'zod';
import { nameSchema, timeMsSchema } from '@slipway/core';

/** A model should be retrained: why, and on which data. */
export const retrainingSchema = z.object({
  event_id: z.string().min(1),
  type: z.literal('slipway.retraining.v1'),
  source: z.string(),
  time: timeMsSchema,
  model: nameSchema,
  version: z.int().min(1),
  endpoint: nameSchema,
  /** `label_loss:label` (the outcomes say so), `lasting_drift` (the inputs have stayed elsewhere). */
  reasons: z.array(z.string()).min(1),
  sentence: z.string(),
  /** Served requests of this span, by arrival: what to train on. */
  data: z.object({ table: z.string(), from: timeMsSchema, to: timeMsSchema }),
  numbers: z.record(z.string(), z.unknown()),
});
export type Retraining = z.infer<typeof retrainingSchema>;

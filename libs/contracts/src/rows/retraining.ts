import { z } from 'zod';
import { nameSchema, timeMsSchema } from '@slipway/core';
import { defineRowOf } from './define-row.ts';
import { asJson, EVENT_ID, LOW, SOURCE } from './kinds.ts';

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

export const retrainingRow = defineRowOf(retrainingSchema, {
  table: 'retraining',
  comment: 'Which model should be retrained, why, and on which data, from retraining.v1; kept for ever',
  requires: ['event_id', 'model'],
  fields: {
    event_id: EVENT_ID,
    time: { column: 'DateTime64(3)', comment: "the drift monitor's clock; for display" },
    source: SOURCE,
    model: { column: LOW, comment: 'the model that should be retrained' },
    version: { column: 'UInt32', as: 'model_version', comment: 'its version that serves' },
    endpoint: { column: LOW, comment: 'where it serves' },
    reasons: { column: 'Array(String)', comment: 'stable codes: label_loss:…, lasting_drift' },
    sentence: { column: 'String', comment: 'why, in a sentence for people' },
    data: { column: null, comment: 'table, from, to: what to train on' },
    numbers: { ...asJson('numbers'), comment: 'the numbers behind it, as JSON' },
  },
  derived: {
    data_from: {
      column: 'DateTime64(3)',
      value: "fromUnixTimestamp64Milli(JSONExtractInt(row, 'data', 'from'))",
      comment: 'train on requests that arrived from here on',
    },
    data_to: {
      column: 'DateTime64(3)',
      value: "fromUnixTimestamp64Milli(JSONExtractInt(row, 'data', 'to'))",
      comment: 'up to here',
    },
  },
});

import { z } from 'zod';
import { nameSchema, timeMsSchema } from '@slipway/core';
import { defineRowOf } from './define-row.ts';
import { asJson, EVENT_ID, LOW, SOURCE } from './kinds.ts';

/** A model should be retrained: the reasons, and the data to use. */
export const retrainingSchema = z.object({
  event_id: z.string().min(1),
  type: z.literal('slipway.retraining.v1'),
  source: z.string(),
  time: timeMsSchema,
  model: nameSchema,
  version: z.int().min(1),
  endpoint: nameSchema,
  /** `label_loss:label` (shown by the outcomes), `lasting_drift` (the inputs have moved for a long time). */
  reasons: z.array(z.string()).min(1),
  sentence: z.string(),
  /** Time span, by arrival, of the served requests to train on. */
  data: z.object({ table: z.string(), from: timeMsSchema, to: timeMsSchema }),
  numbers: z.record(z.string(), z.unknown()),
});
export type Retraining = z.infer<typeof retrainingSchema>;

export const retrainingRow = defineRowOf(retrainingSchema, {
  table: 'retraining',
  comment: 'Models that should be retrained, why, and on which data, from retraining.v1; kept for ever',
  requires: ['event_id', 'model'],
  fields: {
    event_id: EVENT_ID,
    time: { column: 'DateTime64(3)', comment: "the drift monitor's clock; for display" },
    source: SOURCE,
    model: { column: LOW, comment: 'the model that should be retrained' },
    version: { column: 'UInt32', as: 'model_version', comment: 'its version that serves' },
    endpoint: { column: LOW, comment: 'the endpoint that it serves' },
    reasons: { column: 'Array(String)', comment: 'stable codes: label_loss:…, lasting_drift' },
    sentence: { column: 'String', comment: 'the reason as a sentence' },
    data: { column: null, comment: 'table, from, to: which rows to train on' },
    numbers: { ...asJson('numbers'), comment: 'the numbers behind it, as JSON' },
  },
  derived: {
    data_from: {
      column: 'DateTime64(3)',
      value: "fromUnixTimestamp64Milli(JSONExtractInt(row, 'data', 'from'))",
      comment: 'train on requests that arrived from this time on',
    },
    data_to: {
      column: 'DateTime64(3)',
      value: "fromUnixTimestamp64Milli(JSONExtractInt(row, 'data', 'to'))",
      comment: 'train on requests that arrived up to this time',
    },
  },
});

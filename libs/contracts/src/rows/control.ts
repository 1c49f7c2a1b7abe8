import { evidenceSchema, verdictSchema } from '@slipway/release';
import { auditRowSchema } from '../audit/audit-row.ts';
import { defineRowOf } from './define-row.ts';
import { asJson, EVENT_ID, LOW } from './kinds.ts';

/** The history of the control plane for analysts: every verdict and every change of state. */

export const evidenceRow = defineRowOf(evidenceSchema, {
  table: 'evidence',
  comment: 'One look of one analyser at one rollout, from evidence.v1; kept 400 days',
  requires: ['event_id', 'rollout_id', 'time'],
  fields: {
    event_id: EVENT_ID,
    time: { column: 'DateTime64(3)', withinDays: 35, comment: "the analyser's clock; for display" },
    source: { column: null, comment: 'the instance of the analyser that wrote it' },
    rollout_id: { column: 'String', comment: 'the rollout that was looked at' },
    endpoint: { column: LOW, comment: "the rollout's endpoint" },
    revision: {
      column: 'String',
      json: null,
      value: "concat(JSONExtractRaw(row, 'revision', 'epoch'), '.', JSONExtractRaw(row, 'revision', 'n'))",
      comment: 'the revision of the rollout at this look, as epoch.n',
    },
    step: { column: 'Int16', comment: "the rollout's step, from 0" },
    analyser: { column: LOW, comment: 'the analyser: experiment-stats, shadow-comparator or drift-monitor' },
    sequence: {
      column: 'UInt64',
      comment: "number of this analyser's look at this rollout; the highest is the latest",
    },
    expires_at: { column: null, comment: 'the evidence is not used after this time' },
    verdict: { column: LOW, known: verdictSchema.options, comment: 'advance, hold or rollBack' },
    reasons: { column: 'Array(String)', comment: 'stable codes, most important first' },
    sentence: { column: 'String', comment: 'the verdict as a sentence' },
    arms: {
      column: 'Array(Tuple(arm String, verdict String, reasons Array(String), sentence String))',
      comment: 'of each candidate by its arm, where it is judged by itself: verdict, codes and sentence',
    },
    alpha: {
      column: 'Float64',
      comment: "the share of the rollout's error probability that this analyser may use, 0 to 1",
    },
    numbers: { ...asJson('numbers'), comment: 'all numbers behind the verdict, as JSON' },
  },
});

export const auditRow = defineRowOf(auditRowSchema, {
  table: 'audit',
  comment: 'Every change of state of the control plane, hash-chained for each aggregate, from audit.v1; kept for ever',
  requires: ['event_id', 'aggregate'],
  fields: {
    event_id: EVENT_ID,
    aggregate: { column: 'String', comment: 'what was changed, as kind/id: rollout/…, endpoint/…, model/…' },
    n: { column: 'UInt64', comment: "the change's number within its aggregate, from 1" },
    time: { column: 'DateTime64(3)', comment: "the registry's clock" },
    actor: { column: 'String', comment: 'who did it: the name of a key, or a part of the system' },
    role: { column: LOW, comment: 'the role that the actor had' },
    action: { column: LOW, comment: 'what was done' },
    reason: { column: 'String', comment: "why, in the actor's words" },
    state: { ...asJson('state'), comment: "the aggregate's state after the change, as JSON" },
    previous_hash: { column: 'String', comment: 'the hash of the change before; 64 zeros for the first' },
    hash: { column: 'String', comment: 'SHA-256 of everything else in the row, in hexadecimal' },
    key_id: { column: null, comment: 'the key that signed the hash' },
    signature: { column: null, comment: 'Ed25519 over the hash, in base64' },
  },
});

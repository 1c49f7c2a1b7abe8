import { ANALYSERS, rolloutSchema } from '@slipway/release';
import type { Rebuilt } from '@slipway/contracts';
import { canonicalJson, ProblemError } from '@slipway/core';
import { type ClickHouseClient, queryRows } from '@slipway/platform';
import { z } from 'zod';
import type { Analysis } from '../analysis/analyse.store.ts';

type Said = Rebuilt['recorded'];

const offsets = z.record(z.string(), z.number());
const seenSchema = z.object({
  looked_at: z.number(),
  as_of: z.object({
    predictions: offsets,
    outcomes: offsets,
    baseline: offsets,
    closed: z.number(),
    resumed: z.number(),
  }),
});

/**
 * Reaches a recorded verdict once more, from what ClickHouse has alone: the rollout's state from the audit trail, and
 * the rows that the look had seen.
 */
export class RebuildStore {
  private readonly clickhouse: ClickHouseClient;
  private readonly analysis: Analysis;
  constructor(clickhouse: ClickHouseClient, analysis: Analysis) {
    this.clickhouse = clickhouse;
    this.analysis = analysis;
  }

  /** @throws ProblemError not_found without such evidence, or without the rows to rebuild it */
  async rebuild(rolloutId: string, eventId: string): Promise<Rebuilt> {
    const [row] = await queryRows<{
      revision: string;
      analyser: string;
      verdict: Said['verdict'];
      reasons: string[];
      sentence: string;
      arms: Said['arms'];
      numbers: string;
    }>(
      this.clickhouse,
      `SELECT revision, analyser, verdict, reasons, sentence, arms, numbers FROM slipway.evidence FINAL
       WHERE rollout_id = {rollout:String} AND event_id = {event:String}`,
      { rollout: rolloutId, event: eventId },
    );
    if (!row || row.analyser !== ANALYSERS.traffic)
      throw new ProblemError(
        'not_found',
        `there is no evidence ${eventId} of ${ANALYSERS.traffic} on a rollout ${rolloutId}; ` +
          'evidence is there about a second after it was given',
      );
    const recorded: Said = {
      verdict: row.verdict,
      reasons: row.reasons,
      sentence: row.sentence,
      arms: row.arms,
      numbers: JSON.parse(row.numbers) as Record<string, unknown>,
    };
    const seen = seenSchema.safeParse(recorded.numbers);
    if (!seen.success) throw new ProblemError('not_found', `the evidence ${eventId} does not say which rows it saw`);
    const [audit] = await queryRows<{ state: string }>(
      this.clickhouse,
      `SELECT state FROM slipway.audit FINAL
       WHERE aggregate = {aggregate:String} AND concat(
         JSONExtractRaw(state, 'revision', 'epoch'), '.', JSONExtractRaw(state, 'revision', 'n')) = {revision:String}`,
      { aggregate: `rollout/${rolloutId}`, revision: row.revision },
    );
    if (!audit)
      throw new ProblemError(
        'not_found',
        `the audit trail has no state of the rollout ${rolloutId} at revision ${row.revision}`,
      );
    const { verdict, reasons, sentence, arms, numbers } = await this.analysis.again(
      rolloutSchema.parse(JSON.parse(audit.state)),
      seen.data.looked_at,
      seen.data.as_of,
    );
    const rebuilt = JSON.parse(JSON.stringify({ verdict, reasons, sentence, arms, numbers })) as Said;
    const differs = differences(recorded, rebuilt, '');
    return { rollout_id: rolloutId, event_id: eventId, recorded, rebuilt, same: differs.length === 0, differs };
  }
}

function differences(a: unknown, b: unknown, path: string): string[] {
  if (a !== null && b !== null && typeof a === 'object' && typeof b === 'object') {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].flatMap((k) =>
      differences((a as Record<string, unknown>)[k], (b as Record<string, unknown>)[k], path ? `${path}.${k}` : k),
    );
  }
  return canonicalJson(a ?? null) === canonicalJson(b ?? null) ? [] : [path];
}

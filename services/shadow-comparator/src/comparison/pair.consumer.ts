import { Controller, Inject } from '@nestjs/common';
import { type CompareRule, type Rollout, stepAt } from '@slipway/release';
import { type ShadowPair, topics } from '@slipway/contracts';
import {
  Consume,
  type ConsumedRecord,
  counter,
  type Logger,
  ok,
  type RecordProducer,
  type RecordResult,
  steadyNow,
  TransientError,
} from '@slipway/platform';
import { comparisonRow } from './row.ts';

const pairsTotal = counter('slipway_comparator_pairs_total', 'Shadow pairs by result and agreement', [
  'endpoint',
  'result',
  'agree',
]);

/** A pair may arrive a moment before its rollout: a batch waits once for all its unknown rollouts together. */
const ROLLOUT_PATIENCE_MS = 3000;
/** Time in which a rollout that was not found is not waited for again. */
const UNKNOWN_MS = 60_000;
/** Limit on the remembered ids that were not found: made-up ids must not fill the memory. */
const MOST_UNKNOWN = 100_000;

export type PairParts = {
  rollouts: ReadonlyMap<string, Rollout>;
  rolloutsKnown: () => boolean;
  producer: RecordProducer;
  source: string;
  log: Logger;
  /** How long a batch waits for unknown rollouts, in milliseconds; 3 s by default. */
  patienceMs?: number;
};

/** Compares pairs as they arrive and publishes one row for each; its offsets are committed afterwards. */
@Controller()
export class PairConsumer {
  static readonly PARTS = Symbol('the parts of the pair consumer');
  private readonly parts: PairParts;
  /** Ids of rollouts that were not found, and until when they are not waited for again; oldest first. */
  private readonly unknown = new Map<string, number>();
  constructor(@Inject(PairConsumer.PARTS) parts: PairParts) {
    this.parts = parts;
  }

  @Consume(topics.shadowPairs)
  async take(records: ConsumedRecord<ShadowPair>[]): Promise<RecordResult[]> {
    const { producer, source, log } = this.parts;
    await this.expect(records.map((r) => r.parsed.rollout_id));
    const rules = records.map((r) => this.rule(r.parsed));
    const compared = await Promise.all(
      records.map(({ parsed: pair, headers }, i) => {
        const rule = rules[i] as CompareRule | string;
        const context = { source, now: steadyNow(), traceparent: headers['traceparent'] };
        return typeof rule === 'string' ? rule : comparisonRow(pair, rule, context);
      }),
    );
    const rows = compared.filter((row) => typeof row !== 'string');
    for (const row of rows) {
      pairsTotal.inc({ endpoint: row.endpoint, result: row.result, agree: String(row.agree) });
      if (!row.agree)
        log.debug(
          {
            request_id: row.request_id,
            trace_id: row.trace_id,
            rollout: row.rollout_id,
            result: row.result,
            reason: row.reason,
            differences: row.differences.map((d) => `${d.field} ${d.kind}`),
          },
          'the answers differ',
        );
    }
    await producer.publish(
      topics.comparisons,
      rows.map((value) => ({ value })),
    );
    return compared.map((row) => (typeof row === 'string' ? { kind: 'deadLetter', reason: row } : ok));
  }

  /** Waits a moment for unknown rollouts: once for all pairs of a batch. */
  private async expect(ids: readonly string[]): Promise<void> {
    const { rollouts, patienceMs = ROLLOUT_PATIENCE_MS } = this.parts;
    const began = performance.now();
    const missing = () => ids.filter((id) => !rollouts.has(id) && !((this.unknown.get(id) ?? 0) > began));
    let awaited = missing();
    while (awaited.length > 0 && performance.now() < began + patienceMs) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      awaited = missing();
    }
    for (const id of awaited) {
      this.unknown.delete(id);
      this.unknown.set(id, performance.now() + UNKNOWN_MS);
    }
    for (const id of this.unknown.keys()) {
      if (this.unknown.size <= MOST_UNKNOWN) break;
      this.unknown.delete(id);
    }
  }

  /** The comparison rule of its step, or why the pair cannot be used. */
  private rule(pair: ShadowPair): CompareRule | string {
    const { rollouts, rolloutsKnown } = this.parts;
    const rollout = rollouts.get(pair.rollout_id);
    if (!rollout && !rolloutsKnown()) throw new TransientError('the rollouts are not known yet');
    if (!rollout) return `rollout_id: there is no rollout ${pair.rollout_id}`;
    const sampling = stepAt(rollout.spec, pair.step)?.sampling;
    return sampling?.compare ?? `step: step ${pair.step} of the rollout samples no requests`;
  }
}

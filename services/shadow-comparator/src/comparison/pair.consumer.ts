import { Controller, Inject } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { type CompareRule, MAX_RECORD_BYTES, type Rollout, type ShadowPair, topics } from '@slipway/contracts';
import {
  type ConsumedRecord,
  counter,
  type Logger,
  ok,
  type RecordProducer,
  type RecordResult,
  steadyNow,
  TransientError,
} from '@slipway/platform';
import { batchedRows, comparisonRow } from './row.ts';

const pairsTotal = counter(
  'slipway_comparator_pairs_total',
  'Shadow pairs by how they ended and whether the answers agree',
  ['endpoint', 'result', 'agree'],
);

/** A pair may be here a moment before its rollout. */
const ROLLOUT_PATIENCE_MS = 3000;

export type PairParts = {
  rollouts: ReadonlyMap<string, Rollout>;
  rolloutsKnown: () => boolean;
  producer: RecordProducer;
  source: string;
  log: Logger;
};

/** Compares the pairs as they come and publishes one row for each; its offsets are committed after that. */
@Controller()
export class PairConsumer {
  static readonly PARTS = Symbol('the parts of the pair consumer');
  private readonly parts: PairParts;
  constructor(@Inject(PairConsumer.PARTS) parts: PairParts) {
    this.parts = parts;
  }

  @EventPattern(topics.shadowPairs.name)
  async take(@Payload() payload: unknown): Promise<RecordResult[]> {
    const records = payload as ConsumedRecord<ShadowPair>[];
    const { producer, source, log } = this.parts;
    const results: RecordResult[] = [];
    const rows = [];
    for (const { parsed: pair, headers } of records) {
      const rule = await this.rule(pair);
      if (typeof rule === 'string') {
        results.push({ kind: 'deadLetter', reason: rule });
        continue;
      }
      const row = comparisonRow(pair, rule, { source, now: steadyNow(), traceparent: headers['traceparent'] });
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
      rows.push(row);
      results.push(ok);
    }
    for (const value of batchedRows(rows, MAX_RECORD_BYTES)) await producer.send(topics.comparisons.name, [{ value }]);
    return results;
  }

  /** How its step compares, or why the pair cannot be used. */
  private async rule(pair: ShadowPair): Promise<CompareRule | string> {
    const { rollouts, rolloutsKnown } = this.parts;
    for (
      const patience = performance.now() + ROLLOUT_PATIENCE_MS;
      !rollouts.has(pair.rollout_id) && performance.now() < patience;
    )
      await new Promise((resolve) => setTimeout(resolve, 50));
    const rollout = rollouts.get(pair.rollout_id);
    if (!rollout && !rolloutsKnown()) throw new TransientError('the rollouts are not known yet');
    if (!rollout) return `rollout_id: there is no rollout ${pair.rollout_id}`;
    const step = rollout.spec.steps[pair.step];
    if (!step || !('shadow' in step)) return `step: step ${pair.step} of the rollout is no shadow`;
    return step.shadow.compare;
  }
}

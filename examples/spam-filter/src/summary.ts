import type { Rollout } from '@slipway/release';
import { type ClickHouseClient, createClient } from '@clickhouse/client';

export type Accounting = {
  answered: number;
  landed: number;
  outcomesPosted: number;
  outcomesLanded: number;
  deadLetters: number;
  missing: number;
};

async function one<T>(client: ClickHouseClient, query: string, params: Record<string, unknown> = {}): Promise<T> {
  return (await rows<T>(client, query, params))[0] as T;
}

async function rows<T>(client: ClickHouseClient, query: string, params: Record<string, unknown> = {}): Promise<T[]> {
  return (
    await client.query({
      query,
      query_params: params,
      format: 'JSONEachRow',
      clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
    })
  ).json<T>();
}

/** The queries for the summary of the demo, with the analyst's read-only login. */
export class SummaryQueries {
  private readonly client: ClickHouseClient;
  /** @param url with the analyst's read-only login */
  constructor(url: string) {
    this.client = createClient({ url, database: 'slipway' });
  }

  /** Milliseconds from the verdict to the last answer by the version; negative when there was none after it. */
  async lastAnswerAfter(
    rollout: Rollout,
    version: string,
  ): Promise<{ verdictAt: number; lastAnswerAt: number; answers: number }> {
    const evidence = rollout.evidence_id
      ? await one<{ t: number } | undefined>(
          this.client,
          'SELECT toUnixTimestamp64Milli(time) AS t FROM evidence FINAL WHERE event_id = {id:String}',
          { id: rollout.evidence_id },
        )
      : undefined;
    const last = await one<{ t: number; n: number }>(
      this.client,
      `SELECT toUnixTimestamp64Milli(max(time)) AS t, uniqExact(event_id) AS n
        FROM predictions
        WHERE rollout_id = {id:String} AND served_version = {version:String}`,
      { id: rollout.id, version },
    );
    return { verdictAt: evidence?.t ?? rollout.ended_at ?? 0, lastAnswerAt: last.t, answers: last.n };
  }

  /**
   * Compares what the sender counted with the rows that have arrived.
   * @param since milliseconds: rows of this run
   * @param ids prefix of the sender's request ids
   */
  async accounting(since: number, ids: string, answered: number, outcomesPosted: number): Promise<Accounting> {
    const { n: landed } = await one<{ n: number }>(
      this.client,
      `SELECT uniqExact(event_id) AS n
        FROM predictions
        WHERE time >= fromUnixTimestamp64Milli({since:Int64}) AND status = 200
          AND startsWith(request_id, {ids:String})`,
      { since, ids },
    );
    const { n: outcomesLanded } = await one<{ n: number }>(
      this.client,
      `SELECT uniqExact(event_id) AS n
        FROM outcomes
        WHERE time >= fromUnixTimestamp64Milli({since:Int64}) AND startsWith(request_id, {ids:String})`,
      { since, ids },
    );
    const { n: deadLetters } = await one<{ n: number }>(
      this.client,
      'SELECT count() AS n FROM dead_letters FINAL WHERE arrived_at >= fromUnixTimestamp64Milli({since:Int64})',
      { since },
    );
    const { n: missing } = await one<{ n: number }>(this.client, 'SELECT sum(missing) AS n FROM router_accounting');
    return { answered, landed, outcomesPosted, outcomesLanded, deadLetters, missing };
  }

  async shadow(rolloutId: string) {
    const [c] = await rows<{ disagreed: number; seconds: number }>(
      this.client,
      `SELECT countIf(NOT agree) AS disagreed, sum(candidate_compute_us + noise_compute_us) / 1e6 AS seconds
        FROM comparisons FINAL
        WHERE rollout_id = {id:String}`,
      { id: rolloutId },
    );
    const [a] = await rows<Record<'sampled' | 'paired' | 'failed' | 'expired' | 'shed' | 'pending', number>>(
      this.client,
      'SELECT sampled, paired, failed, expired, shed, pending FROM shadow_accounting WHERE rollout_id = {id:String}',
      { id: rolloutId },
    );
    return a && c ? { ...a, ...c } : undefined;
  }

  retraining() {
    return rows<{ sentence: string; reasons: string[] }>(
      this.client,
      'SELECT sentence, reasons FROM retraining FINAL ORDER BY time',
    );
  }

  async close(): Promise<void> {
    await this.client.close();
  }
}

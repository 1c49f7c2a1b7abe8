import { randomUUID } from 'node:crypto';
import { CANDIDATE } from '@slipway/core';
import type { Metric, Rollout } from '@slipway/release';
import { type ClickHouseClient, queryRows } from '@slipway/platform';
import { type AsOf, seenParameters } from './as-of.ts';
import { candidateParameters, CROSSED_ROWS, EXPOSED_ROWS, rolloutParameters, SHARE_ROWS } from './exposed-rows.ts';
import { outcomeUnits, TRIED_ROWS } from './outcome-rows.ts';

/** When nobody ended it, because its process did. */
const SESSION_SECONDS = '60';

/**
 * The rows of control and of one candidate that a look saw. They are read from ClickHouse's tables once and wait in
 * temporary tables, which live in a session of the look's own; every query of the look reads those. A session runs one
 * query after another.
 */
export class LookRows {
  readonly rollout: Rollout;
  readonly asOf: AsOf;
  /** The name of the candidate's arm. */
  readonly candidate: string;
  private readonly clickhouse: ClickHouseClient;
  private readonly session = randomUUID();
  private readonly kept = new Map<string, Promise<unknown>>();
  private last: Promise<unknown> = Promise.resolve();

  private constructor(clickhouse: ClickHouseClient, rollout: Rollout, asOf: AsOf, candidate: string) {
    this.candidate = candidate;
    this.clickhouse = clickhouse;
    this.rollout = rollout;
    this.asOf = asOf;
  }

  /** The caller that opens it must end it. */
  static async open(
    clickhouse: ClickHouseClient,
    rollout: Rollout,
    asOf: AsOf,
    candidate: string = CANDIDATE,
  ): Promise<LookRows> {
    const rows = new LookRows(clickhouse, rollout, asOf, candidate);
    try {
      await rows.keep('exposed', EXPOSED_ROWS);
      await rows.keep('crossed', CROSSED_ROWS);
      await rows.keep('shares', SHARE_ROWS);
      return rows;
    } catch (error) {
      await rows.end();
      throw error;
    }
  }

  read<T>(sql: string, more: Record<string, unknown> = {}): Promise<T[]> {
    return this.inTurn(() => queryRows<T>(this.clickhouse, sql, this.parameters(more), this.inSession()));
  }

  /** Keeps the rows of a query in a temporary table, when it is asked for the first time. */
  async keep(table: string, sql: string, more: Record<string, unknown> = {}): Promise<void> {
    let making = this.kept.get(table);
    if (!making) {
      const query = `CREATE TEMPORARY TABLE ${table} AS ${sql}`;
      making = this.inTurn(() =>
        this.clickhouse.command({ query, query_params: this.parameters(more), ...this.inSession() }),
      );
      this.kept.set(table, making);
    }
    await making;
  }

  /** Ends the session, and with it the temporary tables. It would end by itself a minute later. */
  async end(): Promise<void> {
    const inSession = this.inSession();
    const closing = { ...inSession, clickhouse_settings: { ...inSession.clickhouse_settings, close_session: 1 } };
    await this.inTurn(() => queryRows(this.clickhouse, 'SELECT 1', {}, closing)).catch(() => undefined);
  }

  private parameters(more: Record<string, unknown>): Record<string, unknown> {
    const { rollout, asOf, candidate } = this;
    return {
      ...rolloutParameters(rollout),
      ...candidateParameters(rollout, candidate),
      ...seenParameters(asOf),
      step: rollout.step,
      ...more,
    };
  }

  private inSession() {
    return { session_id: this.session, clickhouse_settings: { session_timeout: SESSION_SECONDS } };
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work, work);
    this.last = turn;
    return turn;
  }
}

/**
 * Keeps the units of a metric of outcomes.
 * @param also further columns of them: {@link outcomeUnits}
 * @returns the table
 */
export async function keepOutcomeUnits(
  look: LookRows,
  metric: Metric,
  also?: Parameters<typeof outcomeUnits>[1],
): Promise<string> {
  const { table, sql, parameters, posted } = outcomeUnits(metric, also);
  await look.keep('tried', TRIED_ROWS);
  await look.keep(posted.table, posted.sql, posted.parameters);
  await look.keep(table, sql, { ...parameters, closed: look.asOf.closed });
  return table;
}

import type { AsOf, Offsets } from '../look/as-of.ts';

/** Per Kafka partition: the first offset that was not seen, and the newest arrival that was (milliseconds). */
export type Positions = Readonly<Record<string, { offset: number; arrived: number }>>;

export const offsetsOf = (positions: Positions): Offsets =>
  Object.fromEntries(Object.entries(positions).map(([partition, { offset }]) => [partition, offset]));

/** What a look saw, and by which times that is found in the tables. */
export type Seen = { asOf: AsOf; predictions: Positions; outcomes: Positions };

/** Rows whose arms would not yet have told alike how they ended: from when on such rows arrived. */
export type Pending = { arrived: number; settled: number };

/** A broker's clock may go back by so much when another leads the partition. */
const CLOCK_STEP_MS = 10_000;

/**
 * Whether a partition has less than before: another replica of ClickHouse, or a restored one. What was counted cannot
 * be brought up to date from there.
 */
export function wentBack(before: Positions, after: Positions): boolean {
  return Object.entries(after).some(([p, { offset }]) => offset < (before[p]?.offset ?? 0));
}

/** The condition, as SQL, that a record lies between two looks; undefined when none does. */
export function between(before: Positions, after: Positions): string | undefined {
  const advanced = Object.entries(after).filter(([p, { offset }]) => offset > (before[p]?.offset ?? 0));
  if (advanced.length === 0) return undefined;
  const from = Math.min(...advanced.map(([p]) => before[p]?.arrived ?? 0));
  const parts = advanced.map(
    ([p, { offset }]) =>
      `kafka_partition = ${Number(p)} AND kafka_offset >= ${before[p]?.offset ?? 0} AND kafka_offset < ${offset}`,
  );
  return `(arrived_at >= ${at(from - CLOCK_STEP_MS)} AND (${parts.join(' OR ')}))`;
}

/**
 * SQL conditions on the exposures of units that a later look counts differently: they arrived since, one of their
 * windows ended since, or their failure would be known since for both arms.
 *
 * @param windows milliseconds: of the metrics that count when a window is over
 */
export function changedExposures(
  before: Seen,
  after: Seen,
  windows: readonly number[],
  pending: readonly Pending[],
): string[] {
  const [from, to] = [before.asOf.closed, after.asOf.closed];
  const came = between(before.predictions, after.predictions);
  const told = pending.filter(({ settled }) => settled > from * 1000 && settled <= to * 1000);
  return [
    ...(came ? [came] : []),
    ...(to > from
      ? [...new Set(windows)].map((w) => `(arrived_at > ${at(from - w)} AND arrived_at <= ${at(to - w)})`)
      : []),
    ...(told.length > 0
      ? [
          `(arrived_at >= ${at(Math.min(...told.map(({ arrived }) => arrived)))} AND settled_at > ${micro(from)}
        AND settled_at <= ${micro(to)})`,
        ]
      : []),
  ];
}

const at = (ms: number) => `fromUnixTimestamp64Milli(toInt64(${Math.max(0, Math.floor(ms))}))`;
const micro = (ms: number) => `fromUnixTimestamp64Micro(toInt64(${Math.max(0, Math.floor(ms)) * 1000}))`;

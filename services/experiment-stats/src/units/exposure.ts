import type { Offsets } from '../look/as-of.ts';

/** What an output of an answer was: its text, the number that it is, if it is one, and whether it is a list. */
export type Output = { text: string; number: number | null; list: boolean };

/** Where a record lies in Kafka. */
export type Position = { partition: number; offset: number };

/**
 * A request by which a unit was exposed to an arm. An `ejected` request was randomised like the others, so it is an
 * exposure; but the candidate was not tried (for control's: would not have been), so it is no event and no latency.
 */
export type Exposure = Position & {
  id: string;
  requestId: string;
  step: number;
  /** The name of its arm, and the probability of that at that revision. */
  assigned: string;
  probability: number;
  /** Milliseconds, Kafka's clock. */
  arrived: number;
  /** Microseconds: `arrived`, moved to when either arm would have told alike how it ended. */
  settled: number;
  /** Milliseconds, the router's clock. */
  time: number;
  latencyUs: number;
  /** Its own arm did not answer it in time. */
  failed: boolean;
  /** Control was asked in its place, and did not answer either. */
  nobody: boolean;
  ejected: boolean;
  outputs: Readonly<Record<string, Output>>;
};

/** A business fact about a unit, or about one of its requests. */
export type Posted = Position & {
  id: string;
  /** Null where it is about the unit. */
  requestId: string | null;
  arrived: number;
  time: number;
  value: string;
  /** The number that `value` reads as; and the outcome's own, where it is a number or a boolean. */
  parsed: number | null;
  number: number | null;
};

/** All that is known of one unit in one rollout; outcomes by their name. */
export type UnitRows = { exposures: readonly Exposure[]; posted: ReadonlyMap<string, readonly Posted[]> };

const NINE = 1e9;

/** An exposure from the text that the ingest keeps (deploy/clickhouse/ingest/predictions.sql). */
export function readExposure(row: string, outputs: Exposure['outputs'] = {}): Exposure {
  const parts = row.split(' ');
  const [id, requestId, arrived, settled, time, step, nine, latency, flags, partition, offset] = parts as [
    ...ids: [string, string],
    ...figures: [string, string, string, string, string, string, string, string, string],
  ];
  // The last one is the sender's text, which may have spaces.
  const arm = parts.slice(11).join(' ');
  const bits = Number(flags);
  return {
    id,
    requestId,
    step: Number(step),
    assigned: arm,
    probability: Number(nine) / NINE,
    arrived: Number(arrived),
    settled: Number(settled),
    time: Number(time),
    latencyUs: Number(latency),
    failed: (bits & 1) > 0,
    nobody: (bits & 2) > 0,
    ejected: (bits & 4) > 0,
    outputs,
    partition: Number(partition),
    offset: Number(offset),
  };
}

/** Whether a look that saw these offsets saw the record. */
export const wasSeen = ({ partition, offset }: Position, offsets: Offsets): boolean =>
  offset < (offsets[partition] ?? 0);

/** The first copy of each id: of those that arrived together the one with the smaller offset. In order of arrival. */
export function firstCopies<T extends Position & { id: string; arrived: number }>(rows: readonly T[]): readonly T[] {
  if (rows.length < 2) return rows;
  const found = new Set<string>();
  return [...rows]
    .sort((a, b) => a.arrived - b.arrived || a.offset - b.offset)
    .filter(({ id }) => !found.has(id) && found.add(id));
}

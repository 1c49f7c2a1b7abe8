/**
 * For each Kafka partition, the first offset that a look did not see. ClickHouse always has a prefix of each partition.
 */
export type Offsets = Record<string, number>;
/** The rows that a look saw. With it, the look can be repeated on the same rows at any later time. */
export type AsOf = {
  predictions: Offsets;
  outcomes: Offsets;
  /** The look that fixed the latency baseline. */
  baseline: Offsets;
  /**
   * Milliseconds by Kafka's clock: everything that arrived by then is assumed to be there, and a window that ends by
   * then is over.
   */
  closed: number;
  /**
   * Milliseconds by Kafka's clock: when the present step was last resumed, by the arrival of its audit row; the newest
   * row while that has not arrived; 0 when it never was.
   */
  resumed: number;
};

/** Condition: rows before these offsets. Parameters: {@link beforeParameters}. */
export const BEFORE = `kafka_offset < transform(kafka_partition, {partitions:Array(UInt32)}, {offsets:Array(UInt64)},
    toUInt64(0))`;

export function beforeParameters(offsets: Offsets): Record<string, unknown> {
  const entries = Object.entries(offsets);
  // `transform` refuses empty lists; of a partition 0 nothing was seen then.
  return entries.length > 0
    ? { partitions: entries.map(([p]) => Number(p)), offsets: entries.map(([, n]) => n) }
    : { partitions: [0], offsets: [0] };
}

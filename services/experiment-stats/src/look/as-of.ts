/**
 * Per Kafka partition: the first offset that a look did not see. What ClickHouse has of a partition is always a prefix
 * of it.
 */
export type Offsets = Record<string, number>;
/** The rows that a look saw. With it, the look can be repeated on the same rows at any later time. */
export type AsOf = {
  predictions: Offsets;
  outcomes: Offsets;
  /** The look that fixed the latency baseline. */
  baseline: Offsets;
  /**
   * Milliseconds, Kafka's clock: what had arrived by then is taken to be there, and a window that ends by then is over.
   */
  closed: number;
  /**
   * Milliseconds, Kafka's clock: when the present step was last resumed, as its audit row arrived; the newest row while
   * that is not there yet; 0 when it never was.
   */
  resumed: number;
};

const TABLES = ['predictions', 'outcomes', 'baseline'] as const;

/** Condition: rows that lie before the offsets of {@link AsOf}. Parameters: {@link seenParameters}. */
export const seen = (of: (typeof TABLES)[number]): string =>
  `kafka_offset < transform(kafka_partition, {${of}_partitions:Array(UInt32)}, {${of}_offsets:Array(UInt64)},
    toUInt64(0))`;

export function seenParameters(asOf: AsOf): Record<string, unknown> {
  return Object.fromEntries(
    TABLES.flatMap((of) => {
      const entries = Object.entries(asOf[of]);
      // `transform` refuses empty lists; of a partition 0 nothing was seen then.
      const [partitions, offsets] =
        entries.length > 0 ? [entries.map(([p]) => Number(p)), entries.map(([, n]) => n)] : [[0], [0]];
      return [
        [`${of}_partitions`, partitions],
        [`${of}_offsets`, offsets],
      ];
    }),
  );
}

import type { MetricKindName } from '@slipway/release';
import type { ClickHouseClient } from '@slipway/platform';
import type { MetricReader } from '../metrics/kind.ts';
import { ProportionStore } from '../metrics/proportion/proportion.store.ts';
import { QuantileStore } from '../metrics/quantile/quantile.store.ts';

export type MetricReaders = Readonly<Record<MetricKindName, MetricReader>>;

/** Who reads the metrics of each kind; a kind that may be declared and is missing here does not compile. */
export const metricReaders = (clickhouse: ClickHouseClient): MetricReaders => ({
  proportion: new ProportionStore(),
  quantile: new QuantileStore(clickhouse),
});

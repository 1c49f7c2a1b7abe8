import { createClickHouse, type Feature, type ServiceContext } from '@slipway/platform';
import { CLICKHOUSE, RequestController } from './request.controller.ts';

/** Explains which version served a request, and why. */
export function requestFeature(
  config: { CLICKHOUSE_URL?: string | undefined; CLICKHOUSE_TLS_CA?: string | undefined },
  { onClose }: ServiceContext,
): Feature {
  const clickhouse = config.CLICKHOUSE_URL
    ? createClickHouse(config.CLICKHOUSE_URL, 'slipway', config.CLICKHOUSE_TLS_CA)
    : null;
  onClose('clickhouse', () => clickhouse?.close());
  return { controllers: [RequestController], providers: [{ provide: CLICKHOUSE, useValue: clickhouse }] };
}

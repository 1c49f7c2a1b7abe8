import { type BaseQueryParams, type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';

export type { ClickHouseClient } from '@clickhouse/client';

/**
 * @param url `http://user:password@host:port`, or `https://…`; the database is `slipway`
 * @param ca PEM of a certificate authority to trust in addition to those of Node.js; for `https` only
 */
export function createClickHouse(url: string, database = 'slipway', ca?: string): ClickHouseClient {
  return createClient({
    url,
    database,
    ...(ca ? { tls: { ca_cert: Buffer.from(ca) } } : {}),
    request_timeout: 30_000,
    max_open_connections: 4,
    // An address may have 16 KB: long parameters go in the body.
    use_multipart_params_auto: true,
    log: { level: ClickHouseLogLevel.OFF },
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
  });
}

/** Runs a query with bound parameters (`{name:Type}`) and returns its rows. @param options session and settings */
export async function queryRows<T>(
  client: ClickHouseClient,
  query: string,
  params: Record<string, unknown> = {},
  options: BaseQueryParams = {},
): Promise<T[]> {
  const result = await client.query({ ...options, query, query_params: params, format: 'JSONEachRow' });
  return result.json<T>();
}

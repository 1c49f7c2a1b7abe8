import { until } from '@slipway/local';
import request from 'supertest';
import type { Release } from '../fixtures/release.ts';

/** Calls to the router of the suite of serving, and queries of the resulting rows. */
export function servingCalls(stack: () => Release) {
  const router = () => stack().routers[0] as string;
  const url = () => `${router()}/v2/models/spam/infer`;
  const json = { 'content-type': 'application/json' };
  const body = (tensor: object = {}, rest: object = {}) =>
    JSON.stringify({
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [1, 1], data: ['hello'], ...tensor }],
      ...rest,
    });
  const post = (b: string | Uint8Array, headers: Record<string, string> = {}, to = url()) =>
    fetch(to, { method: 'POST', headers: { ...json, ...headers }, body: b as never });
  const outcomes = (sent: object) => request(router()).post('/v1/outcomes').send(sent);
  const row = async (requestId: string) => {
    await until(
      'the row',
      async () =>
        (await stack().query('SELECT 1 FROM predictions WHERE request_id = {id:String}', { id: requestId })).length > 0,
    );
    return (
      await stack().query<Record<string, unknown>>('SELECT * FROM predictions FINAL WHERE request_id = {id:String}', {
        id: requestId,
      })
    )[0] as Record<string, unknown>;
  };
  return { router, url, json, body, post, outcomes, row };
}

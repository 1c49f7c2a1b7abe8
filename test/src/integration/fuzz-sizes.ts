import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of fuzz.test.ts, which the root's vitest runs
import { describe, expect, it } from 'vitest';
import type { Release } from '../fixtures/release.ts';

/** Of the router and the worker for inferences, and of the registry for artifacts, in this suite. */
export const BODY_LIMIT = 256 * 1024;
/** Of every other body. */
const JSON_LIMIT = 8 * 1024 * 1024;

type Sent = { method?: string; headers?: Record<string, string>; chunked?: boolean };

/** @returns the answer's status; chunked, the body comes in pieces and nothing says how long it is */
const ask = (url: string, body: Buffer, { method = 'POST', headers = {}, chunked = false }: Sent) =>
  new Promise<number>((resolve, reject) => {
    const framing = chunked ? {} : { 'content-length': body.length };
    const asked = request(url, { method, headers: { 'content-type': 'application/json', ...headers, ...framing } });
    asked.on('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on('error', reject);
    for (let at = 0; at < body.length; at += 50_000) asked.write(body.subarray(at, at + 50_000));
    asked.end();
  });

/** White space fills JSON to any size. */
const padded = (json: object, bytes: number) => {
  const text = JSON.stringify(json);
  return Buffer.from(text + ' '.repeat(bytes - text.length));
};
const inference = { inputs: [{ name: 'text', datatype: 'BYTES', shape: [1, 1], data: ['hello'] }] };
const outcome = { endpoint: 'spam', name: 'label', value: 1, unit: 'somebody' };

/** Sizes, framings and encodings at the limits; part of the suite of the fuzz, on its stack. */
export function describeSizes(stack: () => Release): void {
  const as = (role: 'publisher') => ({ authorization: `Bearer ${stack().secrets.keys[role]}` });
  let n = 0;
  const surfaces: [string, number, number, (body: number, chunked: boolean) => Promise<number>][] = [
    [
      'the router takes an inference',
      BODY_LIMIT,
      200,
      (bytes, chunked) => ask(`${stack().routers[0]}/v2/models/spam/infer`, padded(inference, bytes), { chunked }),
    ],
    [
      'the worker takes an inference',
      BODY_LIMIT,
      200,
      (bytes, chunked) =>
        ask(`${stack().workers[0]}/v2/models/spam/versions/1/infer`, padded(inference, bytes), { chunked }),
    ],
    [
      'the router takes outcomes',
      JSON_LIMIT,
      202,
      (bytes, chunked) => ask(`${stack().routers[0]}/v1/outcomes`, padded(outcome, bytes), { chunked }),
    ],
    [
      'the registry takes JSON',
      JSON_LIMIT,
      201,
      (bytes, chunked) =>
        ask(`${stack().registries[0]}/v1/models`, padded({ name: `size-${n++}` }, bytes), {
          chunked,
          headers: as('publisher'),
        }),
    ],
    [
      'the registry takes an artifact',
      BODY_LIMIT,
      200,
      (bytes, chunked) => {
        const body = Buffer.alloc(bytes, n++);
        const digest = createHash('sha256').update(body).digest('hex');
        const headers = { ...as('publisher'), 'content-type': 'application/octet-stream' };
        return ask(`${stack().registries[0]}/v1/artifacts/${digest}`, body, { method: 'PUT', headers, chunked });
      },
    ],
  ];

  describe('at the limits of size', () => {
    it.each(surfaces)('%s of %d bytes, and not one byte more, however it is framed', async (_, limit, taken, send) => {
      const statuses: Record<string, number> = {};
      for (const chunked of [false, true])
        for (const more of [-1, 0, 1])
          statuses[`${chunked ? 'chunked' : 'of known length'} ${more}`] = await send(limit + more, chunked);
      expect(statuses).toEqual({
        'of known length -1': taken,
        'of known length 0': taken,
        'of known length 1': 413,
        'chunked -1': taken,
        'chunked 0': taken,
        'chunked 1': 413,
      });
    });

    it('a compressed body is refused as such, not read as if it were JSON', async () => {
      const headers = { 'content-encoding': 'gzip', ...as('publisher') };
      const { routers, workers, registries } = stack();
      const urls = [
        `${routers[0]}/v2/models/spam/infer`,
        `${workers[0]}/v2/models/spam/versions/1/infer`,
        `${routers[0]}/v1/outcomes`,
        `${registries[0]}/v1/models`,
      ];
      const body = gzipSync(JSON.stringify({ ...inference, filling: ' '.repeat(1_000_000) }));
      const statuses = await Promise.all(urls.map((url) => ask(url, body, { headers })));
      expect(statuses).toEqual([415, 415, 415, 415]);
    });

    it('headers that are too many or too large are refused, and none is dropped silently', async () => {
      const { routers, workers, registries } = stack();
      const body = padded(inference, 200);
      const urls = [
        `${routers[0]}/v2/models/spam/infer`,
        `${workers[0]}/v2/models/spam/versions/1/infer`,
        `${registries[0]}/v1/models`,
      ];
      for (const url of urls) {
        expect(await ask(url, body, { headers: { 'x-long': 'x'.repeat(20_000) } })).toBe(431);
        const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`x-${i}`, '']));
        expect(await ask(url, body, { headers: many })).toBe(431);
      }
    });
  });
}

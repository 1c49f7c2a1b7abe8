import { createHash } from 'node:crypto';
import { type Problem } from '@slipway/core';
import { until } from '@slipway/local';
import request from 'supertest';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of serving.test.ts, which the root's vitest runs
import { describe, expect, it } from 'vitest';
import { type Release } from '../fixtures/release.ts';
import { servingCalls } from './serving-calls.ts';

/** Responses to invalid input, and its rows; part of the suite of serving, on its stack. */
export function describeInput(stack: () => Release): void {
  const { router, body, post, outcomes, row } = servingCalls(stack);

  describe('bad input at the router', () => {
    it.each([
      ['a body that is not JSON', () => post('{"inputs": ['), 400, 'malformed_json', /./],
      ['a body that is not UTF-8', () => post(Buffer.from([0x7b, 0xff, 0xfe, 0x7d])), 400, 'malformed_json', /UTF-8/],
      ['no inputs', () => post('{}'), 400, 'invalid_tensor', /inputs: must be a list/],
      [
        'a wrong tensor name',
        () => post(body({ name: 'txt' })),
        400,
        'invalid_tensor',
        /inputs\.0\.name: there is no input "txt"; the model's inputs are "text"/,
      ],
      [
        'a wrong datatype',
        () => post(body({ datatype: 'FP32', data: [1] })),
        400,
        'invalid_tensor',
        /inputs\.0\.datatype: is FP32; "text" is BYTES/,
      ],
      [
        'a wrong shape',
        () => post(body({ shape: [1] })),
        400,
        'invalid_tensor',
        /inputs\.0\.shape: is \[1\]; "text" has \[-1, 1\]/,
      ],
      [
        'data that does not fill the shape',
        () => post(body({ shape: [2, 1] })),
        400,
        'invalid_tensor',
        /inputs\.0\.data: has 1 elements; the shape \[2, 1\] needs 2/,
      ],
      [
        'an element of another type',
        () => post(body({ data: [7] })),
        400,
        'invalid_tensor',
        /inputs\.0\.data\.0: must be a string/,
      ],
      [
        'an unknown output',
        () => post(body({}, { outputs: [{ name: 'colour' }] })),
        400,
        'invalid_tensor',
        /outputs\.0\.name/,
      ],
      [
        'too many rows',
        () => post(body({ shape: [5000, 1], data: Array.from({ length: 5000 }, () => 'x') })),
        400,
        'invalid_tensor',
        /5000 rows; at most/,
      ],
      [
        'an unknown endpoint',
        () => post(body(), {}, `${router()}/v2/models/nowhere/infer`),
        404,
        'unknown_endpoint',
        /nowhere/,
      ],
      [
        'a body that is too large',
        () => post(body({ data: ['x'.repeat(2_000_001)] })),
        413,
        'too_large',
        /2000000 bytes/,
      ],
      [
        "a version without an operator's key",
        () => post(body(), { 'x-slipway-version': '1' }),
        403,
        'forbidden',
        /operator's key/,
      ],
    ] as const)(
      '%s gets a 4xx problem that names what is wrong, counted, without a stack trace',
      async (_, ask, status, code, message) => {
        const count = async () =>
          Number(
            new RegExp(`slipway_problems_total\\{code="${code}"\\} (\\d+)`).exec(
              await (
                await fetch(
                  `${code === 'invalid_tensor' || code === 'malformed_json' ? stack().workers[0] : router()}/metrics`,
                )
              ).text(),
            )?.[1] ?? 0,
          );
        const before = await count();
        const response = await ask();
        const problem = (await response.json()) as Problem;
        expect(response.status, JSON.stringify(problem)).toBe(status);
        expect(problem).toMatchObject({ code, status, error: expect.any(String) });
        expect(problem.detail).toMatch(message);
        expect(JSON.stringify(problem)).not.toMatch(/\bat .+:\d+:\d+/);
        expect(await count()).toBe(before + 1);
      },
    );

    it('logs odd bodies so that no row is lost', async () => {
      const odd: [string, string | Buffer][] = [
        ['odd-newlines', body().replace('{', '{\n\r\n ')],
        ['odd-surrogate', body().replace('hello', '\\ud800')],
        ['odd-not-json', '{"inputs": ['],
        ['odd-bytes', Buffer.from([0x7b, 0xff, 0x0a, 0x7d])],
        ['odd-empty', ''],
        ['odd-large', body({ data: ['y'.repeat(300_000)] })],
        [
          'odd-deep',
          `{"a":${'['.repeat(2000)}${']'.repeat(2000)},` +
            '"inputs":[{"name":"text","datatype":"BYTES","shape":[1,1],"data":["x"]}]}',
        ],
        ['odd-number', body().replace('"hello"', '"hello"],"x":[1e999')],
      ];
      for (const [id, b] of odd) await post(b, { 'x-request-id': id });
      const logged = async (id: string) => JSON.parse((await row(id))['request'] as string) as unknown;
      // What every reader of JSON takes is as it was; anything else is its text.
      expect(await logged('odd-newlines')).toEqual(JSON.parse(body()));
      expect(await logged('odd-empty')).toBeNull();
      for (const [id, b] of odd.filter(([id]) => !['odd-newlines', 'odd-empty', 'odd-large'].includes(id)))
        expect(await logged(id), id).toBe(b.toString());
      expect(JSON.parse((await row('odd-large'))['request'] as string)).toMatchObject({
        bytes: expect.any(Number),
        digest: expect.stringMatching(/^[0-9a-f]{64}$/),
        head: expect.stringContaining('inputs'),
      });
      expect(
        await stack().query("SELECT reason, raw FROM dead_letters WHERE topic = 'slipway.predictions.v1'"),
      ).toEqual([]);
    });

    it('stores the row of a body that only its escapes make long, with its digest', async () => {
      const bytes = Buffer.alloc(256 * 1024, 1);
      await post(bytes, { 'x-request-id': 'odd-escapes' });
      const { digest, head } = JSON.parse((await row('odd-escapes'))['request'] as string) as Record<string, string>;
      expect([digest, head]).toEqual([createHash('sha256').update(bytes).digest('hex'), '\u0001'.repeat(1024)]);
    });

    it('keeps the outputs whatever the id looks like: 1e999 in a UUID, or nineteen digits', async () => {
      for (const id of ['0198c0de-0000-7000-8000-00001e999abc', '1234567890123456789']) {
        expect((await post(body({}, { id }))).status).toBe(200);
        const { request, outputs } = await row(id);
        expect(JSON.parse(request as string)).toMatchObject({ id });
        expect(Object.keys(outputs as object).sort()).toEqual(['class', 'probability']);
      }
    });

    it.each([
      ['no name', { endpoint: 'spam', value: 1, request_id: 'r' }, 400, /name/],
      [
        'neither unit nor request',
        { endpoint: 'spam', name: 'label', value: 1 },
        400,
        /unit: give either unit or request_id/,
      ],
      ['an unknown endpoint', { endpoint: 'nowhere', name: 'label', value: 1, unit: 'u' }, 404, /nowhere/],
      ['a value that is no scalar', { endpoint: 'spam', name: 'label', value: [1], unit: 'u' }, 400, /value/],
    ])('refuses an outcome with %s', async (_, outcome, status, message) => {
      const { body } = await outcomes(outcome)
        .expect(status)
        .expect('content-type', /application\/problem\+json/);
      expect(body.detail).toMatch(message);
    });
  });

  describe('an outcome that no metric reads', () => {
    const outcome = async (name: string): Promise<string[] | undefined> =>
      (await outcomes({ endpoint: 'spam', name, value: 1, unit: 'u' }).expect(202)).body.warnings;
    it('is accepted with a warning and counted, once; a new metric makes its outcome known', async () => {
      const unread = async () =>
        Number(
          /slipway_router_outcomes_unread_total\{endpoint="spam"\} (\d+)/.exec(
            (await request(router()).get('/metrics')).text,
          )?.[1] ?? 0,
        );
      const before = await unread();
      expect(await outcome('labell')).toEqual([expect.stringMatching(/"labell": no metric reads this outcome.*label/)]);
      expect(await outcome('labell')).toBeUndefined();
      expect(await outcome('label')).toBeUndefined();
      expect(await unread()).toBe(before + 1);
      await stack().admin.metrics.put(
        { name: 'purchases' },
        {
          kind: 'proportion',
          source: { outcome: 'bought' },
          per: 'exposed',
          direction: 'higher',
        },
      );
      let n = 0;
      await until('the router to know', async () => (await outcome(`other-${n++}`))?.[0]?.includes('bought') === true);
      expect(await outcome('bought')).toBeUndefined();
    });
  });
}

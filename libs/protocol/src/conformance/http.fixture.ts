import { describe, expect, it } from 'vitest';
import type { Reply } from '../interface/protocol.ts';
import type { Asking, ProtocolDescription } from './description.fixture.ts';

/** Base addresses of a router and of a worker behind it that has the version loaded. */
export type Served = { router: string; worker: string; endpoint: string; model: string; version: string };

/** Checks a router and a worker over HTTP, as clients of the protocol call them. */
export function describeOverHttp(
  d: ProtocolDescription,
  served: () => Served,
  headers: () => Record<string, string>,
): void {
  const ask = async (base: string, { method, path }: Asking, body?: Buffer): Promise<Reply> => {
    const response = await fetch(base + path, {
      method,
      headers: headers(),
      ...(body ? { body: new Uint8Array(body) } : {}),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    return { status: response.status, headers: Object.fromEntries(response.headers), body: bytes };
  };
  const { infer, questions, protocol } = d;

  describe(`${protocol.name} over HTTP`, () => {
    it('gives the same outputs from the router and from the worker behind it, with the id of the request', async () => {
      const { router, worker, endpoint, model, version } = served();
      const body = d.request('Win a prize now', { id: `conforms-${protocol.name}`, unit: 'ann' });
      const routed = await ask(router, infer(endpoint), body);
      const direct = await ask(worker, infer(model, version), body);
      expect([routed.status, direct.status, protocol.verdict(routed), protocol.verdict(direct)]).toEqual([
        200,
        200,
        'answered',
        'answered',
      ]);
      const outputs = protocol.readAnswer(routed.body).outputs ?? [];
      expect(outputs.length).toBeGreaterThan(0);
      expect(protocol.readAnswer(direct.body).outputs).toEqual(outputs);
      expect(routed.headers['x-request-id']).toBe(`conforms-${protocol.name}`);
      expect(routed.headers['x-slipway-version']).toBe(`${model}:${version}`);
    });

    it("refuses in the protocol's format, from the router and from the worker", async () => {
      const { router, worker, endpoint, model, version } = served();
      const body = d.request('x');
      const refusals: [number, Promise<Reply>][] = [
        [404, ask(router, infer('nowhere'), body)],
        [404, ask(worker, infer(model, '999'), body)],
        [405, ask(router, { ...infer(endpoint), method: 'PUT' })],
        [405, ask(worker, { ...infer(model, version), method: 'PUT' })],
        [400, ask(router, infer(endpoint), Buffer.from('{"inputs":'))],
        [400, ask(worker, infer(model, version), Buffer.from('{"inputs":'))],
        [404, ask(router, { method: 'GET', path: d.nothingThere[0] as string })],
        [404, ask(worker, { method: 'GET', path: d.nothingThere[0] as string })],
      ];
      for (const [status, asked] of refusals) {
        const reply = await asked;
        expect([reply.status, d.errorOf(reply)]).toEqual([status, expect.stringMatching(/./)]);
      }
    });

    it('describes the server and its models, from the router and from the worker', async () => {
      const { router, worker, endpoint, model, version } = served();
      const statuses = async (base: string, name: string, v?: string) =>
        Promise.all(
          [
            questions.server,
            questions.live,
            questions.ready,
            questions.model(name, v),
            questions.modelReady(name, v),
            questions.model(name, '999'),
          ].map(async (asking) => (await ask(base, asking)).status),
        );
      expect(await statuses(router, endpoint)).toEqual([200, 200, 200, 200, 200, 404]);
      expect(await statuses(worker, model, version)).toEqual([200, 200, 200, 200, 200, 404]);
      const probe = protocol.probe({ model, version: Number(version) });
      expect(protocol.isReady(await ask(worker, probe))).toBe(true);
      expect(protocol.isReady(await ask(worker, protocol.probe({ model, version: 999 })))).toBe(false);
    });
  });
}

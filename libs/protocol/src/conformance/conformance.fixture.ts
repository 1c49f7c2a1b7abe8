import { ProblemError } from '@slipway/core';
import { describe, expect, it } from 'vitest';
import { isDigits, type Output } from '../interface/output.ts';
import type { TensorProtocol } from '../interface/protocol.ts';
import { answerQuestion } from '../interface/question.ts';
import type { ProtocolDescription } from './description.fixture.ts';

export type { ProtocolDescription } from './description.fixture.ts';
export { describeOverHttp } from './http.fixture.ts';
export { oipDescription } from './oip.fixture.ts';

/** Converts exact integers (digit strings) to plain values for comparison. */
const plain = (outputs: readonly Output[] | undefined) =>
  outputs?.map((o) => ({ ...o, values: o.values.map((v) => (isDigits(v) ? { digits: v.digits } : v)) }));
const spam = { model: 'spam', version: 3 };
const NOTHING = Buffer.alloc(0);

/** The conformance suite of the protocol interface. Every protocol must pass it. */
export function describeProtocol(d: ProtocolDescription): void {
  const { protocol, infer, questions } = d;
  const match = ({ method, path }: { method: string; path: string }) => protocol.match(method, path);

  describe(`the protocol ${protocol.name}`, () => {
    it('matches a path to its operation, endpoint and version, and ignores the query string', () => {
      for (const version of [undefined, '3'])
        for (const query of ['', '?a=/infer']) {
          const { method, path } = infer('spam', version);
          expect(protocol.match(method, path + query)).toMatchObject({ operation: 'infer', task: expect.any(String) });
          const named = match({ method, path: path + query }) as { endpoint?: string; version?: string };
          // A protocol whose body names the endpoint leaves it out of the match.
          expect(named.endpoint ?? protocol.read(d.request('x')).endpoint).toBe('spam');
          expect(named.version).toBe(named.endpoint === undefined ? undefined : version);
        }
    });

    it('matches the paths of questions about the server and its models', () => {
      for (const operation of ['server', 'live', 'ready'] as const)
        expect(match(questions[operation])).toEqual({ operation });
      for (const version of [undefined, '3'])
        for (const operation of ['model', 'modelReady'] as const)
          expect(match(questions[operation]('spam', version))).toEqual({ operation, endpoint: 'spam', version });
    });

    it('does not match paths of other protocols', () => {
      for (const path of d.others)
        for (const method of ['GET', 'POST']) expect(match({ method, path })).toBeUndefined();
    });

    it('refuses unknown paths, other methods (naming those that are allowed), and names that cannot be decoded', () => {
      const refusal = (asking: { method: string; path: string }) => {
        const found = match(asking);
        return found?.operation === 'refused' ? [found.problem.code, found.headers?.['allow']] : found;
      };
      for (const path of d.nothingThere)
        expect([path, refusal({ method: 'GET', path })]).toEqual([path, ['not_found', undefined]]);
      const { method, path } = infer('spam');
      expect(refusal({ method: 'PUT', path })).toEqual(['method_not_allowed', method]);
      expect(refusal({ ...questions.server, method: 'PUT' })?.[0 as never]).toBe('method_not_allowed');
      for (const name of ['%', '%ff'])
        if (infer(name).path.includes(name)) expect(refusal(infer(name))).toEqual(['invalid_request', undefined]);
    });

    it('reads the id, the unit and the logged body of a request', () => {
      const body = d.request('hello', { id: 'r-1', unit: 'ann' });
      const { id, unit, json } = protocol.read(body);
      expect([id, unit, json && typeof JSON.parse(json.toString())]).toEqual(['r-1', 'ann', 'object']);
      const bare = protocol.read(d.request('hello'));
      expect([bare.id, bare.unit]).toEqual([undefined, undefined]);
    });

    it('refuses an invalid unit when the unit is read, and passes a malformed body to the model', () => {
      const odd = protocol.read(d.request('hello', { unit: { not: 'a unit' } }));
      expect(() => odd.unit).toThrow(ProblemError);
      const broken = protocol.read(Buffer.from('{"inputs":'));
      expect([broken.json, broken.id, broken.unit]).toEqual([undefined, undefined, undefined]);
    });

    it('refuses an unsupported request by its headers alone', () => {
      expect(() => protocol.admit({ 'content-type': 'application/json' })).not.toThrow();
      for (const headers of d.refusedHeaders) expect(() => protocol.admit(headers)).toThrow(ProblemError);
    });

    it('reads the features of a request, and none from a body that is not a request', () => {
      expect(protocol.read(d.request('hello')).features).toEqual(d.features('hello'));
      for (const body of ['', '[]', 'null', '{"inputs":3}', '{"inputs":[null,{"data":[]}]}'])
        expect(protocol.read(Buffer.from(body)).features).toEqual({});
    });

    it('rewrites a request for a target so that a server of the protocol accepts it, and changes nothing else', () => {
      const body = d.request('hello', { id: 'r-1', unit: 'ann' });
      const outgoing = protocol.rewrite(body, spam);
      expect(match(outgoing)).toMatchObject({ operation: 'infer' });
      const named = match(outgoing) as { endpoint?: string; version?: string };
      if (named.endpoint !== undefined) expect(named).toMatchObject({ endpoint: 'spam', version: '3' });
      const { id, unit, features } = protocol.read(outgoing.body);
      expect([id, unit, features]).toEqual(['r-1', 'ann', d.features('hello')]);
    });

    it('makes a readiness probe, and reads the answer of a server of the same protocol', () => {
      expect(match(protocol.probe(spam))).toEqual({ operation: 'modelReady', endpoint: 'spam', version: '3' });
      expect(protocol.isReady(protocol.about.modelReady('spam', true))).toBe(true);
      expect(protocol.isReady(protocol.about.modelReady('spam', false))).toBe(false);
      for (const status of [301, 401, 404, 500])
        expect(protocol.isReady({ status, headers: {}, body: NOTHING })).toBe(false);
    });

    it('tells answers, refusals, failures and invalid answers apart', () => {
      const [answer] = d.answers;
      const verdict = (status: number, body = answer?.body ?? NOTHING) =>
        protocol.verdict({ status, headers: {}, body });
      const said = (...statuses: number[]) => [...new Set(statuses.map((s) => verdict(s)))];
      expect(said(200, 400, 413, 422, 499)).toEqual(['answered']);
      expect(said(404, 410)).toEqual(['missing']);
      expect(said(401, 403, 407)).toEqual(['barred']);
      expect(said(429, 503)).toEqual(['busy']);
      // The method, the path and the headers are not the caller's.
      expect(said(301, 304, 405, 406, 408, 411, 414, 415, 421, 426, 431, 500, 502)).toEqual(['failed']);
      for (const { headers, body } of d.garbage)
        expect(protocol.verdict({ status: 200, headers, body })).toBe('garbage');
    });

    it('reads the outputs of a model from response bytes and from the value that rows and pairs carry', () => {
      for (const { body, outputs } of d.answers) {
        const facts = protocol.readAnswer(body);
        expect(plain(facts.outputs)).toEqual(outputs);
        expect(plain(protocol.outputs(JSON.parse(facts.json?.toString() ?? '')))).toEqual(outputs);
      }
      for (const other of [null, 'text', [], {}, { outputs: 3 }, { outputs: [{ name: 'x' }] }])
        expect(protocol.outputs(other)).toBeUndefined();
      const { json, outputs } = protocol.readAnswer(Buffer.from([0xff]));
      expect([json, outputs]).toEqual([undefined, undefined]);
    });

    it('identifies the responses that are streamed', () => {
      for (const { headers, isStreamed } of d.streamed)
        expect(protocol.streams({ status: 200, headers })).toBe(isStreamed);
    });

    it('writes a refusal in the format that its clients expect', () => {
      const reply = protocol.refusal(new ProblemError('overloaded', 'too much'), 'r-1');
      expect([reply.status, d.errorOf(reply)]).toEqual([503, 'too much']);
      expect(JSON.stringify(reply.headers) + reply.body.toString()).toContain('r-1');
    });

    it("answers questions about the server in the protocol's format, and refuses unknown endpoints", () => {
      const host = {
        name: 'a server',
        version: '1',
        ready: () => false,
        model: () => {
          throw new ProblemError('unknown_endpoint', 'no such endpoint');
        },
        modelReady: () => true,
      };
      const ask = (asking: { method: string; path: string }) => {
        const question = match(asking);
        if (!question || question.operation === 'infer' || question.operation === 'refused')
          throw new Error('no question');
        return answerQuestion(protocol, question, host);
      };
      expect(ask(questions.server).body.toString()).toContain('a server');
      expect([ask(questions.live).status, ask(questions.ready).status]).toEqual([200, 503]);
      expect(protocol.isReady(ask(questions.modelReady('spam', '3')))).toBe(true);
      const missing = ask(questions.model('spam'));
      expect([missing.status, d.errorOf(missing)]).toEqual([404, 'no such endpoint']);
    });

    const { tensors } = d;
    it.runIf(tensors !== undefined)(
      'decodes a request into tensors, and encodes an answer without losing a digit',
      () => {
        if (!tensors) return;
        const { decode, encode } = protocol as TensorProtocol;
        const request = decode(d.request('hello', { id: 'r-1' }), tensors.signature, 10);
        expect([request.id, request.rows, [...request.tensors.keys()]]).toEqual([
          'r-1',
          1,
          tensors.signature.inputs.map((i) => i.name),
        ]);
        expect(() => decode(d.request('hello'), tensors.signature, 0)).toThrow(ProblemError);
        expect(() => decode(Buffer.from('{'), tensors.signature, 10)).toThrow(ProblemError);
        const reply = encode(tensors.answer);
        expect([reply.status, protocol.verdict(reply)]).toEqual([200, 'answered']);
        expect(plain(protocol.readAnswer(reply.body).outputs)).toEqual(tensors.outputs);
      },
    );
  });
}

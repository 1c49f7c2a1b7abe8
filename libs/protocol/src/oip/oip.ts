import { DEFAULT_PROTOCOL, problemDocument, type ProblemError, type VersionRef } from '@slipway/core';
import type { ModelFacts, Outgoing, Reply, TensorProtocol } from '../interface/protocol.ts';
import { decodeTensors } from '../tensor/json-tensors.ts';
import type { TensorAnswer } from '../tensor/tensors.ts';
import { outputs, readAnswer, verdict } from './answer.ts';
import { encode } from './encode.ts';
import { match } from './match.ts';
import { admit, OipRequest } from './request.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const NOTHING = Buffer.alloc(0);
const pathOf = ({ model, version }: VersionRef) => `/v2/models/${model}/versions/${version}`;

function reply(status: number, value: object): Reply {
  return { status, headers: JSON_TYPE, body: Buffer.from(JSON.stringify(value)) };
}

/**
 * The Open Inference Protocol, version 2, over REST (kserve/open-inference-protocol,
 * `specification/protocol/inference_rest.md`), with JSON data. Triton's binary extension is refused.
 */
export const oip = {
  name: DEFAULT_PROTOCOL,
  match,
  admit,
  read: (body: Buffer) => new OipRequest(body),
  rewrite: (body: Buffer, version: VersionRef): Outgoing => ({
    method: 'POST',
    path: `${pathOf(version)}/infer`,
    headers: JSON_TYPE,
    body,
  }),
  verdict,
  streams: () => false,
  readAnswer,
  outputs,
  refusal(problem: ProblemError, requestId?: string): Reply {
    const document = problemDocument(problem, requestId ? { requestId } : {});
    // Clients of this protocol read the field `error`.
    const body = Buffer.from(JSON.stringify({ ...document, error: document.detail }));
    return { status: problem.status, headers: { 'content-type': 'application/problem+json' }, body };
  },
  probe: (version: VersionRef): Outgoing => ({
    method: 'GET',
    path: `${pathOf(version)}/ready`,
    headers: {},
    body: NOTHING,
  }),
  isReady: ({ status }) => status >= 200 && status < 300,
  about: {
    server: (name: string, version: string) => reply(200, { name, version, extensions: [] }),
    live: () => reply(200, { live: true }),
    // The specification calls the field `live`, existing servers `ready`; both are sent.
    ready: (ready: boolean) => reply(ready ? 200 : 503, { ready, live: true }),
    model: ({ name, versions, signature, parameters }: ModelFacts) =>
      reply(200, {
        name,
        versions,
        platform: 'onnx_onnxv1',
        inputs: signature.inputs,
        outputs: signature.outputs,
        ...(parameters ? { parameters } : {}),
      }),
    modelReady: (name: string, ready: boolean) => reply(ready ? 200 : 503, { name, ready }),
  },
  decode: decodeTensors,
  encode: (answer: TensorAnswer): Reply => ({ status: 200, headers: JSON_TYPE, body: Buffer.from(encode(answer)) }),
} as const satisfies TensorProtocol;

import { featuresOf } from '@slipway/model';
import { oip } from '../oip/oip.ts';
import type { ProtocolDescription } from './description.fixture.ts';

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const version = (v: string | undefined) => (v === undefined ? '' : `/versions/${v}`);
const tensor = (name: string, datatype: string, shape: number[], data: unknown[]) => ({ name, datatype, shape, data });
const JSON_TYPE = { 'content-type': 'application/json' };

/** The Open Inference Protocol over REST, described for the conformance suite. */
export const oipDescription: ProtocolDescription = {
  protocol: oip,
  infer: (endpoint, v) => ({ method: 'POST', path: `/v2/models/${endpoint}${version(v)}/infer` }),
  questions: {
    server: { method: 'GET', path: '/v2' },
    live: { method: 'GET', path: '/v2/health/live' },
    ready: { method: 'GET', path: '/v2/health/ready' },
    model: (name, v) => ({ method: 'GET', path: `/v2/models/${name}${version(v)}` }),
    modelReady: (name, v) => ({ method: 'GET', path: `/v2/models/${name}${version(v)}/ready` }),
  },
  nothingThere: ['/v2/', '/v2/models', '/v2/models//infer', '/v2/models/spam/infer/more', '/v2/health'],
  others: ['/v20/models/spam/infer', '/v1/models/spam', '/', '*', '/metrics'],
  request: (text, { id, unit } = {}) =>
    json({
      ...(id === undefined ? {} : { id }),
      ...(unit === undefined ? {} : { parameters: { unit } }),
      inputs: [tensor('text', 'BYTES', [1, 1], [text])],
    }),
  features: (text) => featuresOf('input', [{ name: 'text', isText: true, elements: [text] }]),
  refusedHeaders: [{ 'inference-header-content-length': '13' }],
  answers: [
    {
      body: json({ outputs: [tensor('p', 'FP32', [1, 1], [0.25]), tensor('label', 'BYTES', [1], ['spam'])] }),
      outputs: [
        { name: 'p', kind: 'fraction', shape: [1, 1], values: [0.25] },
        { name: 'label', kind: 'class', shape: [1], values: ['spam'] },
      ],
    },
    // Nested data are equivalent to flat data, row by row.
    {
      body: json({
        outputs: [
          tensor(
            'p',
            'FP64',
            [2, 2],
            [
              [1, 2],
              [3, 4],
            ],
          ),
        ],
      }),
      outputs: [{ name: 'p', kind: 'fraction', shape: [2, 2], values: [1, 2, 3, 4] }],
    },
    { body: json({ outputs: [] }), outputs: [] },
  ],
  garbage: [
    { headers: { 'content-type': 'text/html' }, body: Buffer.from('<html></html>') },
    { headers: JSON_TYPE, body: Buffer.from('[]') },
    { headers: JSON_TYPE, body: Buffer.alloc(0) },
    { headers: { ...JSON_TYPE, 'content-encoding': 'gzip' }, body: Buffer.from('{}') },
  ],
  streamed: [{ headers: JSON_TYPE, isStreamed: false }],
  errorOf: ({ body }) => (JSON.parse(body.toString()) as { error?: unknown }).error,
  tensors: {
    signature: {
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1, 1] }],
      outputs: [{ name: 'class', datatype: 'INT64', shape: [-1, 1] }],
    },
    answer: {
      model: 'spam',
      version: 3,
      id: 'r-1',
      outputs: [{ name: 'class', datatype: 'INT64', shape: [2, 1], data: [7, 9007199254740993n] }],
    },
    outputs: [{ name: 'class', kind: 'class', shape: [2, 1], values: [7, { digits: '9007199254740993' }] }],
  },
};

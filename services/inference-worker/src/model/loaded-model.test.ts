import { bundleSchema, type Datatype } from '@slipway/model';
import { type Loadable } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import { ByteBudget, type Logger } from '@slipway/platform';
import { afterAll, describe, expect, it } from 'vitest';
import { protocols } from '@slipway/protocol';
import { LoadedModel } from './loaded-model.client.ts';
import { identity, limits, lookUp } from './onnx-models.fixture.ts';

const [oip] = protocols;

const log = { info: () => undefined, warn: () => undefined, error: () => undefined } as unknown as Logger;
const load = ({ bytes, spec }: { bytes: Uint8Array; spec: Loadable }) =>
  LoadedModel.load(spec, bytes, { threads: 1, maxQueuedRows: 1000, limits, log });

/** The answer that a caller gets for the JSON text of `data`. */
async function ask(model: LoadedModel, shape: number[], data: string) {
  const { datatype } = model.spec.signature.inputs[0] as { datatype: Datatype };
  const body = `{"inputs":[{"name":"x","datatype":"${datatype}","shape":[${shape.join()}],"data":${data}}]}`;
  const { outputs, timing } = await model.infer(oip.decode(Buffer.from(body), model.spec.signature, 1000));
  const text = oip.encode({ model: 'm', version: 1, id: undefined, outputs }).body.toString();
  return { shape: outputs[0]?.shape, data: /"data":(\[.*?\])/.exec(text)?.[1], text, batch: timing.batchSize };
}

describe('a batch, on ONNX Runtime', () => {
  it('gives every caller the results for its own input, whatever widths arrive together', async () => {
    const model = await load(identity('FP32', [-1, -1]));
    const first = ask(model, [1, 1], '[0]');
    const inputs = ['[1,2,3]', '[4,5]', '[6,7,8]', '[9,10]'];
    const answers = await Promise.all(inputs.map((data) => ask(model, [1, data.split(',').length], data)));
    await first;
    expect(answers.map((a) => a.data)).toEqual(inputs);
    expect(answers.map((a) => a.batch)).toEqual([2, 2, 2, 2]);
  });

  it('fails the request with a bad input, and answers the others', async () => {
    const model = await load(lookUp());
    const first = ask(model, [1, 1], '[0]');
    const given = ['[1]', '[2]', '[99]', '[3]', '[4]'];
    const settled = await Promise.allSettled(given.map((data) => ask(model, [1, 1], data)));
    await first;
    expect(settled.map((s) => (s.status === 'fulfilled' ? s.value.data : 'failed'))).toEqual([
      '[11]',
      '[12]',
      'failed',
      '[13]',
      '[14]',
    ]);
  });

  it('takes no more memory than its limit, however few bytes of JSON ask for it: the others are refused', async () => {
    const { bytes: file, spec } = identity('BYTES', [-1, -1]);
    const bytes = new ByteBudget(1_000_000);
    const model = await LoadedModel.load(spec, file, { threads: 1, maxQueuedRows: 1000, bytes, limits, log });
    const empty = JSON.stringify(new Array(9000).fill(''));
    const settled = await Promise.allSettled([1, 2, 3].map(() => ask(model, [1, 9000], empty)));
    expect(settled.map((s) => (s.status === 'fulfilled' ? 'answered' : s.reason.code))).toEqual([
      'answered',
      'overloaded',
      'overloaded',
    ]);
    expect(bytes.used).toBe(0);
    await model.release();
  });

  it('keeps ranks above and below 2', async () => {
    const cube = await load(identity('FP32', [-1, 2, 3]));
    expect(await ask(cube, [2, 2, 3], '[1,2,3,4,5,6,7,8,9,10,11,12]')).toMatchObject({
      shape: [2, 2, 3],
      data: '[1,2,3,4,5,6,7,8,9,10,11,12]',
    });
    const flat = await load(identity('INT32', [-1]));
    expect(await ask(flat, [3], '[1,2,3]')).toMatchObject({ shape: [3], data: '[1,2,3]' });
  });
});

/** y = x of that datatype, any number of rows and columns; loaded once. */
const kept = new Map<Datatype, Promise<LoadedModel>>();
function identityOf(datatype: Datatype): Promise<LoadedModel> {
  const model = kept.get(datatype) ?? load(identity(datatype, [-1, -1]));
  kept.set(datatype, model);
  return model;
}
afterAll(async () => {
  for (const model of kept.values()) await (await model).release();
});

describe('a datatype, on ONNX Runtime', () => {
  it.each([
    ['BOOL', '[true,false,true]'],
    ['UINT8', '[0,1,255]'],
    ['UINT16', '[0,1,65535]'],
    ['UINT32', '[0,1,4294967295]'],
    ['UINT64', '[0,9007199254740993,18446744073709551615]'],
    ['INT8', '[-128,0,127]'],
    ['INT16', '[-32768,0,32767]'],
    ['INT32', '[-2147483648,0,2147483647]'],
    ['INT64', '[-9223372036854775808,9007199254740993,9223372036854775807]'],
    ['FP32', '[-1.5,0,16777216]'],
    ['FP64', '[0.1,9007199254740991,1e+300]'],
    ['BYTES', '["1234567890123456789","","\\"12345678901234567\\""]'],
  ] as const)('%s is passed in and out exactly', async (datatype, data) => {
    const model = await identityOf(datatype);
    expect((await ask(model, [1, 3], data)).data).toBe(data);
  });

  it.each([
    ['INT8', '[1,128]', 'inputs.0.data.1: 128 is beyond INT8 (-128 to 127)'],
    ['UINT8', '[-1,0]', 'inputs.0.data.0: -1 is beyond UINT8 (0 to 255)'],
    ['UINT64', '[0,-1]', 'inputs.0.data.1: -1 is beyond UINT64 (0 to 18446744073709551615)'],
    ['UINT64', '[0,18446744073709551616]', 'inputs.0.data.1: 18446744073709551616 is beyond UINT64'],
    ['INT64', '[0,9223372036854775808]', 'inputs.0.data.1: 9223372036854775808 is beyond INT64'],
    ['INT64', '[0,1e17]', 'inputs.0.data.1: is written as a fraction or with an exponent beyond 2^53'],
    ['INT64', '[0.5,0]', 'inputs.0.data.0: must be a whole number'],
    ['INT64', '["1",0]', 'inputs.0.data.0: must be a finite number, not "1"'],
    ['INT64', `[${'9'.repeat(50)},0]`, 'inputs.0.data.0: a number of 50 digits is beyond INT64 (-9223372036854775808'],
    ['BOOL', '[1,2]', 'inputs.0.data.1: must be true or false, not 2'],
    ['FP32', '[0,1e39]', 'inputs.0.data.1: 1e+39 is beyond FP32'],
  ] as const)('%s %s is refused naming tensor and element, never rounded', async (datatype, data, message) => {
    const model = await identityOf(datatype);
    await expect(ask(model, [1, 2], data)).rejects.toMatchObject({
      code: 'invalid_tensor',
      message: expect.stringContaining(message),
    });
  });

  it.each(['FP32', 'INT64', 'BYTES'] as const)(
    '%s: values nested too deeply to be written are refused as well',
    async (datatype) => {
      const { spec } = await identityOf(datatype);
      const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;
      const refusal = (data: string, outputs: string) => {
        const tensor = `{"name":"x","datatype":"${datatype}","shape":[1,1],"data":${data}}`;
        oip.decode(Buffer.from(`{"inputs":[${tensor}],"outputs":${outputs}}`), spec.signature, 10);
      };
      expect(() => refusal(`[${deep}]`, '[]')).toThrow(ProblemError);
      expect(() => refusal(datatype === 'BYTES' ? '[""]' : '[1]', `[{"name":${deep}}]`)).toThrow(ProblemError);
    },
  );

  it.each(['FP16', 'BF16'])('%s is refused at registration, with the reason', (datatype) => {
    const bundle = {
      artifact: { sha256: 'a'.repeat(64) },
      signature: {
        inputs: [{ name: 'x', datatype, shape: [-1, 2] }],
        outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
      },
    };
    const [issue] = bundleSchema.safeParse(bundle).error?.issues ?? [];
    expect(issue?.path).toEqual(['signature', 'inputs', 0, 'datatype']);
    expect(issue?.message).toBe(
      `${datatype} is not supported because JSON has no form for it; export the model with FP32 inputs and outputs`,
    );
  });
});

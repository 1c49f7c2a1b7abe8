import type { Loadable } from '@slipway/contracts';
import type { TensorSpec } from '@slipway/model';
import type { Logger } from '@slipway/platform';
import { describe, expect, it } from 'vitest';
import { protocols } from '@slipway/protocol';
import { LoadedModel } from './loaded-model.client.ts';
import { identity, limits, loadable, zipMapped } from './onnx-models.fixture.ts';

const [oip] = protocols;

const log = { info: () => undefined, warn: () => undefined, error: () => undefined } as unknown as Logger;
const load = (bytes: Uint8Array, spec: Loadable) =>
  LoadedModel.load(spec, bytes, { threads: 1, maxQueuedRows: 1000, limits, log });
const tensor = (name: string, datatype: TensorSpec['datatype'], ...shape: number[]) => ({ name, datatype, shape });
const X = tensor('X', 'FP32', -1, 2);

describe('the default output of skl2onnx, a sequence of maps', () => {
  it('is refused with instructions for the export, when the signature names it', async () => {
    const outputs = [tensor('output_label', 'INT64', -1), tensor('output_probability', 'FP32', -1, 2)];
    await expect(load(zipMapped(), loadable({ inputs: [X], outputs }))).rejects.toThrow(
      'the output "output_probability" is not a tensor but a sequence or map, as skl2onnx makes by default; export ' +
        `with options={id(model): {'zipmap': False}}, or leave it out of the signature`,
    );
  });

  it('is accepted when the signature names only the labels: they are served', async () => {
    const model = await load(zipMapped(), loadable({ inputs: [X], outputs: [tensor('output_label', 'INT64', -1)] }));
    const body = { inputs: [{ name: 'X', datatype: 'FP32', shape: [2, 2], data: [1, 2, 4, 3] }] };
    const { outputs } = await model.infer(oip.decode(Buffer.from(JSON.stringify(body)), model.spec.signature, 1000));
    expect(outputs).toEqual([{ name: 'output_label', datatype: 'INT64', shape: [2], data: [1, 0] }]);
  });
});

describe('a signature that does not match the file', () => {
  const x = tensor('x', 'FP32', -1, 3);
  const y = tensor('y', 'FP32', -1, 3);
  it.each([
    [
      'another datatype',
      [x],
      [tensor('y', 'FP64', -1, 3)],
      'the output "y" is FP32 in the file and FP64 in the signature',
    ],
    [
      'another rank',
      [tensor('x', 'FP32', -1)],
      [y],
      'the input "x" has the shape [d0, 3] in the file and [-1] in the signature',
    ],
    [
      'another width',
      [tensor('x', 'FP32', -1, 4)],
      [y],
      'the input "x" has the shape [d0, 3] in the file and [-1, 4] in the signature',
    ],
    [
      'an output that does not exist',
      [x],
      [tensor('z', 'FP32', -1)],
      'output "z" is not in the file; the file gives "y"',
    ],
    [
      'an input of another name',
      [tensor('q', 'FP32', -1, 3)],
      [y],
      `the file's input "x" is neither an input of the signature nor made by the preprocessing`,
    ],
    [
      'an input that is not used',
      [x, tensor('q', 'FP32', -1)],
      [y],
      `input "q" is read by neither the file nor the preprocessing; the file takes "x"`,
    ],
  ])('%s is named when the version is loaded', async (_, inputs, outputs, message) => {
    await expect(load(identity('FP32', [-1, 3]).bytes, loadable({ inputs, outputs }))).rejects.toThrow(message);
  });
});

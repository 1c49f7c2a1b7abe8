import { createRequire } from 'node:module';
import type { LinearModel } from './train.ts';

const { onnx } = createRequire(import.meta.url)('onnx-proto') as typeof import('onnx-proto');
const { FLOAT, INT64 } = onnx.TensorProto.DataType;

function floats(name: string, dims: number[], values: Float32Array) {
  return onnx.TensorProto.create({
    name,
    dims,
    dataType: FLOAT,
    rawData: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  });
}
function valueInfo(name: string, elemType: number, width: number) {
  return onnx.ValueInfoProto.create({
    name,
    type: { tensorType: { elemType, shape: { dim: [{ dimParam: 'N' }, { dimValue: width }] } } },
  });
}

/**
 * features [N, n] → probability = sigmoid(features · w + b) [N, 1], class = probability > 0.5 as INT64 [N, 1]. The same
 * model always gives the same bytes.
 */
export function linearModelToOnnx({ weights, bias }: LinearModel): Uint8Array {
  const n = weights.length;
  const graph = onnx.GraphProto.create({
    name: 'spam',
    input: [valueInfo('features', FLOAT, n)],
    output: [valueInfo('probability', FLOAT, 1), valueInfo('class', INT64, 1)],
    initializer: [
      floats('w', [n, 1], weights),
      floats('b', [1], Float32Array.of(bias)),
      floats('half', [1], Float32Array.of(0.5)),
    ],
    node: [
      { opType: 'MatMul', input: ['features', 'w'], output: ['product'] },
      { opType: 'Add', input: ['product', 'b'], output: ['score'] },
      { opType: 'Sigmoid', input: ['score'], output: ['probability'] },
      { opType: 'Greater', input: ['probability', 'half'], output: ['spam'] },
      {
        opType: 'Cast',
        input: ['spam'],
        output: ['class'],
        attribute: [{ name: 'to', type: onnx.AttributeProto.AttributeType.INT, i: INT64 }],
      },
    ],
  });
  const model = onnx.ModelProto.create({
    irVersion: 8,
    producerName: 'slipway-example',
    opsetImport: [{ domain: '', version: 13 }],
    graph,
  });
  return onnx.ModelProto.encode(model).finish();
}

import { createRequire } from 'node:module';
import type { Datatype, TensorSpec } from '@slipway/model';
import type { Loadable } from '@slipway/contracts';
import type { ModelLimits } from '../process/model-runner.client.ts';

const { onnx } = createRequire(import.meta.url)('onnx-proto') as typeof import('onnx-proto');
const { DataType } = onnx.TensorProto;

/** Far longer than a test takes; tests of a limit give their own. */
export const limits: ModelLimits = { runDeadlineMs: 60_000, loadDeadlineMs: 60_000, memoryBytes: 8e9, env: {} };

const ELEMENT: Record<Datatype, number> = {
  BOOL: DataType.BOOL,
  UINT8: DataType.UINT8,
  UINT16: DataType.UINT16,
  UINT32: DataType.UINT32,
  UINT64: DataType.UINT64,
  INT8: DataType.INT8,
  INT16: DataType.INT16,
  INT32: DataType.INT32,
  INT64: DataType.INT64,
  FP16: DataType.FLOAT16,
  FP32: DataType.FLOAT,
  FP64: DataType.DOUBLE,
  BYTES: DataType.STRING,
};

const valueInfo = ({ name, datatype, shape }: TensorSpec) =>
  onnx.ValueInfoProto.create({
    name,
    type: {
      tensorType: {
        elemType: ELEMENT[datatype],
        shape: { dim: shape.map((d, i) => (d === -1 ? { dimParam: `d${i}` } : { dimValue: d })) },
      },
    },
  });

type Graph = {
  input: TensorSpec[];
  output: TensorSpec[];
  /** Outputs of another type than a tensor, as ONNX protobuf. */
  others?: object[];
  node: object[];
  initializer?: object[];
  domains?: string[];
};

export function modelBytes({ input, output, others = [], node, initializer = [], domains = [] }: Graph): Uint8Array {
  const model = onnx.ModelProto.create({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 13 }, ...domains.map((domain) => ({ domain, version: 2 }))],
    graph: {
      name: 'fixture',
      input: input.map(valueInfo),
      output: [...output.map(valueInfo), ...others.map((o) => onnx.ValueInfoProto.create(o))],
      node: node as never,
      initializer: initializer as never,
    },
  });
  return onnx.ModelProto.encode(model).finish();
}

/** y = x. */
export function identity(datatype: Datatype, shape: number[]): { bytes: Uint8Array; spec: Loadable } {
  const signature = { inputs: [{ name: 'x', datatype, shape }], outputs: [{ name: 'y', datatype, shape }] };
  const bytes = modelBytes({
    input: signature.inputs,
    output: signature.outputs,
    node: [{ opType: 'Identity', input: ['x'], output: ['y'] }],
  });
  return { bytes, spec: loadable(signature) };
}

/** y = [10, 11, 12, 13, 14][x]; an x outside the list fails the run. */
export function lookUp(): { bytes: Uint8Array; spec: Loadable } {
  const signature = {
    inputs: [{ name: 'x', datatype: 'INT64' as const, shape: [-1, 1] }],
    outputs: [{ name: 'y', datatype: 'FP32' as const, shape: [-1, 1] }],
  };
  const bytes = modelBytes({
    input: signature.inputs,
    output: signature.outputs,
    initializer: [{ name: 'list', dims: [5], dataType: DataType.FLOAT, floatData: [10, 11, 12, 13, 14] }],
    node: [{ opType: 'Gather', input: ['list', 'x'], output: ['y'] }],
  });
  return { bytes, spec: loadable(signature) };
}

export function loadable(signature: Loadable['signature']): Loadable {
  return {
    model: 'm',
    version: 1,
    digest: '0'.repeat(64),
    artifact: { sha256: '0'.repeat(64), uris: [] },
    signature,
    preprocessing: [],
    validation: [],
    max_batch: 64,
    max_queue_delay_us: 0,
  };
}

/** What skl2onnx makes of a classifier by default: labels, and a sequence of maps from label to probability. */
export function zipMapped(): Uint8Array {
  return modelBytes({
    input: [{ name: 'X', datatype: 'FP32', shape: [-1, 2] }],
    output: [{ name: 'output_label', datatype: 'INT64', shape: [-1] }],
    others: [
      {
        name: 'output_probability',
        type: {
          sequenceType: {
            elemType: { mapType: { keyType: DataType.INT64, valueType: { tensorType: { elemType: DataType.FLOAT } } } },
          },
        },
      },
    ],
    node: [
      { opType: 'ArgMax', input: ['X'], output: ['output_label'], attribute: [int('axis', 1), int('keepdims', 0)] },
      {
        opType: 'ZipMap',
        domain: 'ai.onnx.ml',
        input: ['X'],
        output: ['output_probability'],
        attribute: [{ name: 'classlabels_int64s', type: onnx.AttributeProto.AttributeType.INTS, ints: [0, 1] }],
      },
    ],
    domains: ['ai.onnx.ml'],
  });
}

const int = (name: string, i: number) => ({ name, type: onnx.AttributeProto.AttributeType.INT, i });

const scalar = (name: string, elemType: number) =>
  onnx.ValueInfoProto.create({ name, type: { tensorType: { elemType, shape: { dim: [] } } } });

/**
 * y = x, after as many turns of a loop as the largest x says: with a large x it never ends, while its warm-up, with
 * zeros, ends at once.
 * @param endless never ends, whatever x is
 * @param bytesATurn memory that each turn allocates and keeps until the end
 */
export function turns({ endless = false, bytesATurn = 0 } = {}): { bytes: Uint8Array; spec: Loadable } {
  const x = { name: 'x', datatype: 'FP32' as const, shape: [-1, 1] };
  const y = { name: 'y', datatype: 'FP32' as const, shape: [-1, 1] };
  const kept = { name: 'kept', datatype: 'FP32' as const, shape: [bytesATurn / 4] };
  const body = {
    name: 'turn',
    input: [scalar('i', DataType.INT64), scalar('go', DataType.BOOL), valueInfo({ ...x, name: 'v' })],
    output: [
      scalar('goOn', DataType.BOOL),
      valueInfo({ ...y, name: 'vOut' }),
      ...(bytesATurn > 0 ? [valueInfo(kept)] : []),
    ],
    node: [
      { opType: 'Cast', input: ['i'], output: ['turn'], attribute: [int('to', DataType.FLOAT)] },
      ...(endless
        ? [{ opType: 'Identity', input: ['go'], output: ['goOn'] }]
        : [{ opType: 'Less', input: ['turn', 'most'], output: ['goOn'] }]),
      { opType: 'Identity', input: ['v'], output: ['vOut'] },
      ...(bytesATurn > 0 ? [{ opType: 'Expand', input: ['turn', 'size'], output: ['kept'] }] : []),
    ],
  };
  const { GRAPH } = onnx.AttributeProto.AttributeType;
  const bytes = modelBytes({
    input: [x],
    output: [y],
    initializer: [
      { name: 'begin', dims: [], dataType: DataType.BOOL, int32Data: [1] },
      { name: 'size', dims: [1], dataType: DataType.INT64, int64Data: [bytesATurn / 4] },
    ],
    node: [
      { opType: 'ReduceMax', input: ['x'], output: ['most'], attribute: [int('keepdims', 0)] },
      {
        opType: 'Loop',
        input: ['', 'begin', 'x'],
        output: bytesATurn > 0 ? ['y', 'all'] : ['y'],
        attribute: [{ name: 'body', type: GRAPH, g: body }],
      },
    ],
  });
  return { bytes, spec: loadable({ inputs: [x], outputs: [y] }) };
}

import type { Datatype, TensorSpec } from '@slipway/model';
import type { Loadable } from '@slipway/contracts';

/** A file's description of one of its inputs or outputs; `datatype` is undefined for types that the protocol lacks. */
export type FileTensor = {
  name: string;
  isTensor: boolean;
  datatype: Datatype | undefined;
  type: string;
  shape: readonly (number | string)[];
};

/** Why a file cannot serve the signature, as a sentence for the publisher; undefined when it can. Pure. */
export function misfit(
  spec: Pick<Loadable, 'signature' | 'preprocessing'>,
  file: { inputs: readonly FileTensor[]; outputs: readonly FileTensor[] },
): string | undefined {
  const { signature, preprocessing } = spec;
  const made = new Set(preprocessing.map((op) => ('output' in op ? op.output : op.input)));
  for (const t of file.inputs) {
    const declared = signature.inputs.find((s) => s.name === t.name);
    if (!declared && !made.has(t.name))
      return `the file's input "${t.name}" is neither an input of the signature nor made by the preprocessing`;
    const wrong = made.has(t.name) ? typeMisfit('input', t, 'FP32') : declared && tensorMisfit('input', t, declared);
    if (wrong) return wrong;
  }
  const read = new Set([...file.inputs.map((t) => t.name), ...preprocessing.map((op) => op.input)]);
  const unread = signature.inputs.find((s) => !read.has(s.name));
  if (unread)
    return (
      `the signature's input "${unread.name}" is read by neither the file nor the preprocessing; the file ` +
      `takes ${names(file.inputs)}`
    );
  for (const s of signature.outputs) {
    const t = file.outputs.find((o) => o.name === s.name);
    if (!t) return `the signature's output "${s.name}" is not in the file; the file gives ${names(file.outputs)}`;
    const wrong = tensorMisfit('output', t, s);
    if (wrong) return wrong;
  }
  return undefined;
}

const names = (tensors: readonly FileTensor[]) => tensors.map((t) => `"${t.name}"`).join(', ');

function typeMisfit(side: string, t: FileTensor, datatype: Datatype): string | undefined {
  if (!t.isTensor)
    return (
      `the ${side} "${t.name}" is not a tensor but a sequence or map, as skl2onnx makes by default; export with ` +
      `options={id(model): {'zipmap': False}}, or leave it out of the signature`
    );
  if (t.datatype === datatype) return undefined;
  return `the ${side} "${t.name}" is ${t.datatype ?? t.type} in the file and ${datatype} in the signature`;
}

function tensorMisfit(side: string, t: FileTensor, s: TensorSpec): string | undefined {
  const wrong = typeMisfit(side, t, s.datatype);
  if (wrong) return wrong;
  // A file without dimensions does not restrict the shape.
  if (t.shape.length === 0) return undefined;
  const fits =
    t.shape.length === s.shape.length &&
    s.shape.every(
      (d, i) => d === -1 || typeof t.shape[i] !== 'number' || (t.shape[i] as number) < 0 || d === t.shape[i],
    );
  return fits
    ? undefined
    : `the ${side} "${t.name}" has the shape [${t.shape.join(', ')}] in the file and [${s.shape.join(', ')}] in ` +
        'the signature';
}

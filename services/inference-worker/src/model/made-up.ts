import type { Loadable } from '@slipway/contracts';
import type { RowTensor } from '@slipway/model';
import { numericTensor, type TensorRequest } from '@slipway/protocol';
import { mostRows } from './row-bound.ts';

/** Largest number of elements in the smallest request of a signature: more would not fit into a body as JSON. */
const MOST_ELEMENTS = 2 ** 22;
/** A string counts as this many numbers. */
const STRING = 16;

/**
 * The smallest request that fits the signature, of zeros and short texts, to warm up a version without a validation
 * set.
 * @throws Error when the signature's fixed dimensions make even that too large to be served
 */
export function madeUpRequest({
  signature,
  preprocessing,
}: Pick<Loadable, 'signature' | 'preprocessing'>): TensorRequest {
  const rows = Math.max(1, signature.inputs[0]?.shape[0] ?? 1);
  let elements = 0;
  for (const s of signature.inputs) {
    const own = s.shape.slice(1).reduce((a, d) => a * (d === -1 ? 1 : d), rows);
    elements += own * (s.datatype === 'BYTES' ? STRING : 1);
    if (!(elements <= MOST_ELEMENTS))
      throw new Error(
        `the input "${s.name}" has the shape [${s.shape.join(', ')}]: its smallest request has ${own} elements` +
          `${s.datatype === 'BYTES' ? ` (each counts ${STRING}-fold)` : ''}; at most ${MOST_ELEMENTS} are served`,
      );
  }
  const most = mostRows(preprocessing);
  if (rows > most)
    throw new Error(`the smallest request has ${rows} rows; with its preprocessing at most ${most} are served`);
  const tensors = new Map<string, RowTensor>();
  for (const s of signature.inputs) {
    const tail = s.shape.slice(1).map((d) => (d === -1 ? 1 : d));
    const width = tail.reduce((a, d) => a * d, 1);
    tensors.set(
      s.name,
      s.datatype === 'BYTES'
        ? { kind: 'bytes', rows, width, tail, values: new Array<Buffer>(rows * width).fill(Buffer.from('warm up')) }
        : numericTensor(s.datatype, rows, tail, new Array<number>(rows * width).fill(0), (_, message) => {
            throw new Error(message);
          }),
    );
  }
  return { id: undefined, rows, tensors, outputs: undefined };
}

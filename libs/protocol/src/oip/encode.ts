import type { TensorAnswer } from '../tensor/tensors.ts';

/** Encodes an answer as JSON. Integers beyond 2^53 are written with all their digits. */
export function encode({ model, version, id, outputs }: TensorAnswer): string {
  const head = { model_name: model, model_version: String(version), ...(id === undefined ? {} : { id }) };
  if (!outputs.some((o) => o.data.some((x) => typeof x === 'bigint'))) return JSON.stringify({ ...head, outputs });
  const tensors = outputs.map(({ data, ...o }) => {
    const elements = data.map((x) => (typeof x === 'bigint' ? String(x) : JSON.stringify(x)));
    return `${JSON.stringify(o).slice(0, -1)},"data":[${elements.join(',')}]}`;
  });
  return `${JSON.stringify(head).slice(0, -1)},"outputs":[${tensors.join(',')}]}`;
}

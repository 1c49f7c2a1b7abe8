import type { OutputTensor } from '../tensor/batch-tensors.ts';

type Answer = { model_name: string; model_version: string; id?: string; outputs: OutputTensor[] };

/** An OIP v2 answer as JSON; integers beyond 2^53 are written with all their digits. */
export function answerJson({ outputs, ...head }: Answer): string {
  if (!outputs.some((o) => o.data.some((x) => typeof x === 'bigint'))) return JSON.stringify({ ...head, outputs });
  const tensors = outputs.map(({ data, ...o }) => {
    const elements = data.map((x) => (typeof x === 'bigint' ? String(x) : JSON.stringify(x)));
    return `${JSON.stringify(o).slice(0, -1)},"data":[${elements.join(',')}]}`;
  });
  return `${JSON.stringify(head).slice(0, -1)},"outputs":[${tensors.join(',')}]}`;
}

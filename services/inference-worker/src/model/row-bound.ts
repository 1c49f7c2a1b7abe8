import type { Operator, RowTensor } from '@slipway/model';

/** 256 MB of FP32. */
const MOST_ELEMENTS = 2 ** 26;

/** Most rows in one request: limited by the memory of its preprocessing, whatever a bundle declares. */
export function mostRows(preprocessing: readonly Operator[]): number {
  const widths = preprocessing.map((op) =>
    op.op === 'hashed_ngrams' ? op.features : op.op === 'one_hot' ? op.categories.length + 1 : 1,
  );
  const all = widths.reduce((a, w) => a + w, 0);
  return Math.max(1, Math.floor(MOST_ELEMENTS / Math.max(1, all)));
}

/** Memory of a text besides its bytes, approximately. */
const TEXT_BYTES = 100;

/** Memory of the tensors of a request, approximately. A few bytes of JSON can need many times as much. */
export function bytesOf(tensors: ReadonlyMap<string, RowTensor>): number {
  let bytes = 0;
  for (const t of tensors.values())
    bytes += t.kind === 'bytes' ? t.values.reduce((n, v) => n + v.length + TEXT_BYTES, 0) : t.values.byteLength;
  return bytes;
}

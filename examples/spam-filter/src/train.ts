import { type HashedNgrams, hashedNgrams } from '@slipway/model';
import type { Mail } from './corpus.ts';

export type LinearModel = { weights: Float32Array; bias: number };
type Sparse = { columns: Int32Array; values: Float32Array; label: 0 | 1 };

export function features(op: HashedNgrams, text: string): Float32Array {
  const row = new Float32Array(op.features);
  hashedNgrams(op, Buffer.from(text, 'utf8'), row, 0);
  return row;
}

function sparse(op: HashedNgrams, mail: Mail): Sparse {
  const row = features(op, mail.text);
  const columns: number[] = [];
  for (let c = 0; c < row.length; c++) if (row[c] !== 0) columns.push(c);
  return {
    columns: Int32Array.from(columns),
    values: Float32Array.from(columns, (c) => row[c] as number),
    label: mail.label,
  };
}

/**
 * Logistic regression by AdaGrad over the mails in their given order: the same mails give the same model, to the bit.
 */
export function trainLogisticRegression(
  op: HashedNgrams,
  mails: readonly Mail[],
  { epochs = 12, rate = 0.5, l2 = 1e-6 } = {},
): LinearModel {
  const rows = mails.map((m) => sparse(op, m));
  const w = new Float64Array(op.features);
  const g2 = new Float64Array(op.features).fill(1e-8);
  let bias = 0;
  let biasG2 = 1e-8;
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const { columns, values, label } of rows) {
      let z = bias;
      for (let k = 0; k < columns.length; k++) z += (w[columns[k] as number] as number) * (values[k] as number);
      const error = 1 / (1 + Math.exp(-z)) - label;
      for (let k = 0; k < columns.length; k++) {
        const c = columns[k] as number;
        const gradient = error * (values[k] as number) + l2 * (w[c] as number);
        g2[c] = (g2[c] as number) + gradient * gradient;
        w[c] = (w[c] as number) - (rate * gradient) / Math.sqrt(g2[c] as number);
      }
      biasG2 += error * error;
      bias -= (rate * error) / Math.sqrt(biasG2);
    }
  }
  return { weights: Float32Array.from(w), bias: Math.fround(bias) };
}

export function predict(model: LinearModel, row: Float32Array): number {
  let z = model.bias;
  for (let c = 0; c < row.length; c++) z += (model.weights[c] as number) * (row[c] as number);
  return 1 / (1 + Math.exp(-z));
}

/** Share of mails that are misfiled when served with the given preprocessing. */
export function errorRate(model: LinearModel, served: HashedNgrams, mails: readonly Mail[]): number {
  return (
    mails.filter((m) => (predict(model, features(served, m.text)) > 0.5 ? 1 : 0) !== m.label).length / mails.length
  );
}

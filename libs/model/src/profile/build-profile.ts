import { binOf, measure } from './features.ts';
import { type FeatureMeasure, type FeatureProfile, type Profile, type SnapshotRow } from './profile.ts';
import { type Signature, type TensorSpec } from '../signature/signature.ts';

type Scalar = number | string | boolean | null | undefined;

/** Bins of a numeric feature: cut at the deciles of the reference. */
const BINS = 10;
/** A text with no more different values than this is a category. */
const MOST_CATEGORIES = 50;
/** A snapshot in which each row has outcomes of its own says nothing of any. */
const MOST_OUTCOMES = 32;
const TEXT_MEASURES: readonly FeatureMeasure[] = ['bytes', 'words', 'digit_share', 'upper_share', 'links'];

/**
 * The reference profile of a version from its training snapshot. Inputs are profiled over all rows; outputs over the
 * rows held out from training, since a model is surer of what it was trained on. Pure.
 *
 * @returns null when the rows say nothing about any tensor of the signature
 */
export function buildProfile(source: string, signature: Signature, rows: readonly SnapshotRow[]): Profile | null {
  const held = rows.filter((r) => r.split === 'validation');
  const features = [
    ...signature.inputs.flatMap((t) =>
      profiled(
        'input',
        t,
        rows.map((r) => r.inputs[t.name]),
      ),
    ),
    ...signature.outputs.flatMap((t) =>
      profiled(
        'output',
        t,
        held.map((r) => r.outputs[t.name]),
      ),
    ),
  ];
  if (features.length === 0) return null;
  const categorical = features.filter((f) => f.side === 'output' && f.kind === 'categorical').map((f) => f.tensor);
  const losses = lossesOf(held, categorical);
  return { source, rows: rows.length, features, losses };
}

/** How often each categorical output differed from each outcome, of the outcomes that most rows have. */
function lossesOf(held: readonly SnapshotRow[], outputs: readonly string[]): Profile['losses'] {
  const rowsOf = new Map<string, SnapshotRow[]>();
  for (const row of held)
    for (const outcome of Object.keys(row.outcomes)) {
      const rows = rowsOf.get(outcome);
      if (rows) rows.push(row);
      else rowsOf.set(outcome, [row]);
    }
  return [...rowsOf]
    .sort(([, a], [, b]) => b.length - a.length)
    .slice(0, MOST_OUTCOMES)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([outcome, rows]) =>
      outputs.map((output) => {
        const known = rows.filter((r) => r.outputs[output] !== undefined);
        const wrong = known.filter((r) => String(r.outputs[output]) !== String(r.outcomes[outcome]));
        return { outcome, output, rows: known.length, errors: wrong.length };
      }),
    );
}

function profiled(side: 'input' | 'output', tensor: TensorSpec, values: Scalar[]): FeatureProfile[] {
  const known = values.filter((v) => v !== undefined && v !== null);
  if (known.length === 0) return [];
  const fraction = /^FP/.test(tensor.datatype);
  const numeric = fraction || (/INT/.test(tensor.datatype) && new Set(known).size > MOST_CATEGORIES);
  const measures: readonly FeatureMeasure[] =
    numeric || new Set(known).size <= MOST_CATEGORIES ? ['value'] : TEXT_MEASURES;
  return measures.map((m) => {
    const name = m === 'value' ? `${side}.${tensor.name}` : `${side}.${tensor.name}.${m}`;
    const measured = values.map((v) => measure(m, v));
    const common = { name, side, tensor: tensor.name, measure: m };
    const empty: FeatureProfile =
      numeric || m !== 'value'
        ? {
            ...common,
            kind: 'numeric',
            edges: deciles(measured.flatMap((v) => (typeof v === 'number' ? [v] : []))),
            counts: [],
          }
        : {
            ...common,
            kind: 'categorical',
            categories: [...new Set(measured.flatMap((v) => (v === null ? [] : [String(v)])))].sort(),
            counts: [],
          };
    const bins = empty.kind === 'numeric' ? empty.edges.length + 2 : empty.categories.length + 2;
    const feature = { ...empty, counts: new Array<number>(bins).fill(0) };
    for (const v of measured) {
      const bin = binOf(feature, v);
      feature.counts[bin] = (feature.counts[bin] as number) + 1;
    }
    return feature;
  });
}

/** Inner edges at the deciles; equal ones are merged, so that a value that is very common has a bin of its own. */
function deciles(values: number[]): number[] {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length === 0) return [];
  const edges = Array.from(
    { length: BINS - 1 },
    (_, i) => sorted[Math.min(sorted.length - 1, Math.floor(((i + 1) / BINS) * sorted.length))] as number,
  );
  return [...new Set(edges)].filter((e) => e < (sorted.at(-1) as number));
}

import { columnOf, countBins, type FeatureValues, featuresOf, leavesOf, MOST_ELEMENTS, textOf } from './features.ts';
import { type FeatureMeasure, type FeatureProfile, MOST_FEATURES, type Profile, type SnapshotRow } from './profile.ts';
import { type Signature, type TensorSpec } from '../signature/signature.ts';

/** Bins of a numeric feature: cut at the deciles of the reference. */
const BINS = 10;
/** A text or an integer with no more different values than this is a category. */
const MOST_CATEGORIES = 50;
/** A snapshot in which each row has outcomes of its own says nothing of any. */
const MOST_OUTCOMES = 32;
const TEXT_MEASURES: readonly FeatureMeasure[] = ['bytes', 'words', 'digit_share', 'upper_share', 'links'];
const NUMERIC_MEASURES: readonly FeatureMeasure[] = ['value', 'mean', 'deviation'];
/** Of a tensor so many elements are read; a worker takes no instance with more. */
const MOST_READ = 4_194_304;

/**
 * The reference profile of a version from its training snapshot. Inputs are profiled over all rows; outputs over the
 * rows held out from training, since a model is surer of what it was trained on. Pure.
 *
 * @param rows a fair sample of the snapshot's rows
 * @returns null when the rows say nothing about any tensor of the signature
 */
export function buildProfile(source: string, signature: Signature, rows: readonly SnapshotRow[]): Profile | null {
  const held = rows.filter((r) => r.split === 'validation');
  const all = [
    ...signature.outputs.flatMap((t) =>
      profiled(
        'output',
        t,
        held.map((r) => r.outputs[t.name]),
      ),
    ),
    ...signature.inputs.flatMap((t) =>
      profiled(
        'input',
        t,
        rows.map((r) => r.inputs[t.name]),
      ),
    ),
  ];
  if (all.length === 0) return null;
  // The outputs first, so that many inputs do not leave them out.
  const features = all.slice(0, MOST_FEATURES).sort((a, b) => Number(a.side !== 'input') - Number(b.side !== 'input'));
  const categorical = features.filter((f) => f.side === 'output' && f.kind === 'categorical').map((f) => f.tensor);
  const losses = lossesOf(held, [...new Set(categorical)]);
  return { source, rows: rows.length, features, left_out: all.length - features.length, losses };
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

/** The features of one tensor. @param given its value in each row; undefined where a row has none */
function profiled(side: 'input' | 'output', tensor: TensorSpec, given: readonly unknown[]): FeatureProfile[] {
  const { name } = tensor;
  const isText = tensor.datatype === 'BYTES';
  const instances = given.map((data) => (data === undefined || data === null ? [] : leavesOf(data, MOST_READ)));
  const rows = instances.map((elements) => featuresOf(side, [{ name, isText, elements }]));
  const feature = (measure: FeatureMeasure, element: number, width: number) => {
    const of = { side, tensor: name, measure, element };
    const at = width > 1 ? `[${element}]` : '';
    const plain = measure === 'value' || measure === 'code';
    return { name: `${side}.${name}${at}${plain ? '' : `.${measure}`}`, ...of };
  };
  if (!isText)
    return NUMERIC_MEASURES.flatMap((measure) => {
      const column = columnOf(side, name, measure);
      const width = widest(rows, column);
      return Array.from({ length: width }, (_, e) => {
        const values = valuesOf(rows, column, e);
        const different = distinct(values, MOST_CATEGORIES);
        const isClass = /INT|BOOL/.test(tensor.datatype) && measure === 'value' && different !== undefined;
        return isClass
          ? categorical(feature(measure, e, width), [...different].sort((a, b) => a - b).map(String), values)
          : numeric(feature(measure, e, width), values);
      });
    });
  const width = widest(rows, columnOf(side, name, 'code'));
  return Array.from({ length: Math.min(width, MOST_ELEMENTS) }, (_, e): FeatureProfile[] => {
    const texts = new Set<string>();
    for (const elements of instances) {
      const text = textOf(elements[e]);
      if (text !== null && text !== '') texts.add(text);
    }
    const valuesOfMeasure = (m: FeatureMeasure) => valuesOf(rows, columnOf(side, name, m), e);
    return texts.size <= MOST_CATEGORIES
      ? [categorical(feature('code', e, width), [...texts].sort(), valuesOfMeasure('code'))]
      : TEXT_MEASURES.map((m) => numeric(feature(m, e, width), valuesOfMeasure(m)));
  }).flat();
}

const widest = (rows: readonly FeatureValues[], column: string) =>
  rows.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), 0);
const valuesOf = (rows: readonly FeatureValues[], column: string, element: number) =>
  rows.map((row) => row[column]?.[element] ?? null);

type Named = Omit<FeatureProfile, 'kind' | 'counts'>;

function numeric(of: Named, values: readonly (number | null)[]): FeatureProfile {
  const edges = cutNumbers(values.flatMap((v) => (v === null ? [] : [v])));
  const feature = { ...of, kind: 'numeric' as const, edges, counts: new Array<number>(edges.length + 2).fill(0) };
  return { ...feature, counts: countBins(feature, values) };
}

function categorical(of: Named, categories: string[], values: readonly (number | null)[]): FeatureProfile {
  const counts = new Array<number>(categories.length + 2).fill(0);
  const feature = { ...of, kind: 'categorical' as const, categories, counts };
  return { ...feature, counts: countBins(feature, values) };
}

/** The different numbers; undefined when they are more than `most`. */
function distinct(values: readonly (number | null)[], most: number): Set<number> | undefined {
  const found = new Set<number>();
  for (const v of values) {
    if (v !== null) found.add(Math.fround(v));
    if (found.size > most) return undefined;
  }
  return found;
}

/**
 * Inner edges at the deciles of numbers of 32 bits; equal ones are merged, so that a value that is very common has a
 * bin of its own.
 */
export function cutNumbers(values: readonly number[]): number[] {
  const sorted = Float32Array.from(values).sort();
  const last = sorted.at(-1);
  if (last === undefined) return [];
  const edges = Array.from(
    { length: BINS - 1 },
    (_, i) => sorted[Math.min(sorted.length - 1, Math.floor(((i + 1) / BINS) * sorted.length))] as number,
  );
  return [...new Set(edges)].filter((e) => e < last).map(shortest);
}

/** A number of 32 bits in as few digits as tell it from its neighbours. */
function shortest(x: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(x.toPrecision(digits));
    if (Math.fround(short) === x) return short;
  }
  return Number(x.toPrecision(9));
}

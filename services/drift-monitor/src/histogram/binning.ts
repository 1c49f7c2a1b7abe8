import { codesOf, columnOf, type FeatureProfile } from '@slipway/model';
import { literal } from '@slipway/platform';
import type { Group } from './slices.ts';

/** Bins are numbered below this: a feature has at most 64 edges. */
const BINS = 128;
/** What is counted of every row besides its features; the columns of features have a point in their name. */
const MARKS = ['rows', 'inputs', 'outputs'] as const;

/** The features of a column are counted from place `base` on, one place for each element of its tensor. */
type Column = { name: string; base: number; features: (FeatureProfile | undefined)[] };

/** A cell of the result: how many values of a group fell into a bin of a place. */
export type Cell = Pick<Group, 'rollout_id' | 'arm' | 'served_version' | 'compared'> & {
  place: number;
  bin: number;
  n: number;
};

/**
 * The query that counts the bins of all features of a profile: each value of a row is looked up once, so the cost grows
 * with the number of values. The same bins as `countBins` of libs/model. Pure.
 */
export class Binning {
  private readonly columns: Column[];
  private readonly places: (FeatureProfile | undefined)[];

  constructor(features: readonly FeatureProfile[]) {
    const found = new Map<string, (FeatureProfile | undefined)[]>(MARKS.map((mark) => [mark, [undefined]]));
    for (const f of features) {
      const name = columnOf(f.side, f.tensor, f.measure);
      const elements = found.get(name) ?? [];
      elements[f.element] = f;
      found.set(name, elements);
    }
    let base = 0;
    this.columns = [...found].map(([name, elements]) => {
      const column = { name, base, features: Array.from(elements) };
      base += elements.length;
      return column;
    });
    this.places = this.columns.flatMap((c) => c.features);
  }

  /**
   * Edges and categories are part of the query text, which goes in the body of the call: those of hundreds of features
   * are too long for an address.
   * @param where which rows of `predictions`
   */
  sql(where: string): string {
    const list = (values: readonly (string | number)[]) => `[${values.join(', ')}]`;
    const names = list(this.columns.map((c) => literal(c.name)));
    return `WITH ${list(this.places.map((f) => list(f ? cutsOf(f).map(number) : [])))}::Array(Array(Float32)) AS cuts,
  ${list(this.places.map((f) => Number(f?.kind === 'categorical')))}::Array(UInt8) AS is_class
SELECT rollout_id, arm, served_version, compared, intDiv(code, ${BINS}) AS place, code % ${BINS} AS bin, count() AS n
FROM
(
  SELECT rollout_id, arm, served_version, compared, toUInt32(base + position) AS at,
    (at - 1) * ${BINS} + if(is_class[at] = 1, indexOf(cuts[at], x), arrayCount(cut -> x > cut, cuts[at])) AS code
  FROM
  (
    SELECT rollout_id, arm, served_version, compared, list,
      transform(key, ${names}, ${list(this.columns.map((c) => c.base))}, 0) AS base,
      transform(key, ${names}, ${list(this.columns.map((c) => c.features.length))}, 0) AS width
    FROM
    (
      SELECT rollout_id, assigned_arm AS arm, served_version,
        reason = 'randomised' AND fallback_from = '' AS compared,
        arrayFilter((mark, found) -> found, ['rows', 'inputs', 'outputs'], [true,
          arrayExists(k -> startsWith(k, 'input.'), mapKeys(features)),
          arrayExists(k -> startsWith(k, 'output.'), mapKeys(features))]) AS marks,
        arrayConcat(mapKeys(features), marks) AS keys,
        arrayConcat(mapValues(features), arrayMap(mark -> [toFloat32(0)], marks)) AS lists
      FROM slipway.predictions FINAL
      WHERE ${where}
    )
    ARRAY JOIN keys AS key, lists AS list
    WHERE width > 0
  )
  ARRAY JOIN list AS x, arrayEnumerate(list) AS position
  WHERE position <= width AND NOT isNaN(x)
)
GROUP BY rollout_id, arm, served_version, compared, code`;
  }

  /** The groups of one slice, from the cells of the query. */
  groups(cells: readonly Cell[]): Group[] {
    const found = new Map<string, Group>();
    for (const { rollout_id, arm, served_version, compared, place, bin, n } of cells) {
      const key = JSON.stringify([rollout_id, arm, served_version, compared]);
      const group: Group = found.get(key) ?? {
        ...{ rollout_id, arm, served_version, compared: Boolean(compared) },
        ...{ rows: 0, inputs: 0, outputs: 0, counts: {} },
      };
      found.set(key, group);
      const mark = MARKS[place];
      const feature = this.places[place];
      if (mark) group[mark] += n;
      else if (feature) this.count(group, feature, bin, n);
    }
    return [...found.values()];
  }

  private count(group: Group, feature: FeatureProfile, bin: number, n: number): void {
    const known = feature.counts.length - 1;
    const counts = group.counts[feature.name] ?? new Array<number>(known).fill(0);
    // A value that `indexOf` does not find has no category: the last bin before that of missing values.
    const at = feature.kind === 'numeric' ? bin : bin === 0 ? known - 1 : bin - 1;
    counts[at] = (counts[at] as number) + n;
    group.counts[feature.name] = counts;
  }
}

const cutsOf = (feature: FeatureProfile): number[] => (feature.kind === 'numeric' ? feature.edges : codesOf(feature));
/** A category that is not a number keeps its place, and no value equals it. */
const number = (x: number) => (Number.isFinite(x) ? x : 'nan');

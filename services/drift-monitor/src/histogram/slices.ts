import { createHash } from 'node:crypto';
import type { FeatureProfile } from '@slipway/model';
import type { DriftWindow, WindowFeature } from '@slipway/stats';

/** The rows that arrived in one slice of time, for one arm of one rollout, answered by one version. */
export type Group = {
  rollout_id: string;
  arm: string;
  served_version: string;
  /** Randomised and answered by its own arm: arms are compared on these. */
  compared: boolean;
  rows: number;
  /** Numbers of rows with features of the request, and of the answer. */
  inputs: number;
  outputs: number;
  /** By the feature's name: counts by bin, without the last bin, of missing values. */
  counts: Record<string, number[]>;
};
/** `seen`: copies of rows in the table for this slice when it was counted. */
export type Slice = { slice: number; seen: number; groups: Group[] };

const MINUTE_MS = 60_000;
/** Smallest number of slices in a window: their variation shows how much rows depend on each other. */
const LEAST_SLICES = 5;

/** The number of equal slices, of whole milliseconds and at most a minute, that a window is counted in. */
export function slicesOf(windowMs: number): number {
  const least = Math.max(LEAST_SLICES, Math.ceil(windowMs / MINUTE_MS));
  for (let n = least; n < 2 * least; n++) if (windowMs % n === 0) return n;
  return 1;
}

/** Name of the bins by which slices were counted: counts by other bins cannot be added. */
export function binsId(features: readonly FeatureProfile[]): string {
  const bins = features.map((f) => [
    ...[f.name, f.side, f.tensor, f.measure, f.element],
    f.kind === 'numeric' ? f.edges : f.categories,
  ]);
  return createHash('sha256').update(JSON.stringify(bins)).digest('hex').slice(0, 32);
}

/** Whole windows: the last one, how many up to it, and the number of slices in each. */
export type Span = { last: number; windows: number; slices: number };

/** Numbers of the slices of a span, window by window, oldest first. */
export const slicesIn = ({ last, windows, slices }: Span): number[][] =>
  Array.from({ length: windows }, (_, w) =>
    Array.from({ length: slices }, (_, s) => (last - windows + 1 + w) * slices + s),
  );

/** The counts of a feature's bins in one slice over the chosen groups; missing values are in the last bin. */
function countsOf(feature: FeatureProfile, slice: Slice | undefined, chosen: (g: Group) => boolean): number[] {
  const total = new Array<number>(feature.counts.length).fill(0);
  const missing = total.length - 1;
  for (const group of slice?.groups ?? []) {
    if (!chosen(group)) continue;
    let known = 0;
    for (const [bin, n] of (group.counts[feature.name] ?? []).entries()) {
      if (bin >= missing) break;
      total[bin] = (total[bin] as number) + n;
      known += n;
    }
    const rows = feature.side === 'input' ? group.inputs : group.outputs;
    total[missing] = (total[missing] as number) + Math.max(0, rows - known);
  }
  return total;
}

type Counted = { current: number[]; slices: number[][] };

function counted(
  feature: FeatureProfile,
  window: readonly number[],
  slices: ReadonlyMap<number, Slice>,
  chosen: (g: Group) => boolean,
): Counted {
  const parts = window.map((s) => countsOf(feature, slices.get(s), chosen));
  return { current: feature.counts.map((_, bin) => parts.reduce((n, p) => n + (p[bin] as number), 0)), slices: parts };
}

/** The chosen rows of each window against the reference profile, oldest first. Pure. */
export function againstReference(
  features: readonly FeatureProfile[],
  slices: ReadonlyMap<number, Slice>,
  span: Span,
  chosen: (g: Group) => boolean = () => true,
): DriftWindow[] {
  return slicesIn(span).map((window) => ({
    features: features.map(
      (f): WindowFeature => ({ feature: f.name, reference: f.counts, ...counted(f, window, slices, chosen) }),
    ),
  }));
}

/** One arm's rows of a rollout against those of another that was served at the same time, oldest window first. Pure. */
export function betweenArms(
  features: readonly FeatureProfile[],
  slices: ReadonlyMap<number, Slice>,
  span: Span,
  of: { rollout: string; control: string; arm: string },
): DriftWindow[] {
  const chosen = (arm: string) => (g: Group) => g.compared && g.rollout_id === of.rollout && g.arm === arm;
  return slicesIn(span).map((window) => ({
    features: features.map((f): WindowFeature => {
      const control = counted(f, window, slices, chosen(of.control));
      const arm = counted(f, window, slices, chosen(of.arm));
      return { feature: f.name, reference: control.current, referenceSlices: control.slices, ...arm };
    }),
  }));
}

/** Rows of a span without features, and all its rows: the former were compared with nothing. Pure. */
export function untold(
  slices: ReadonlyMap<number, Slice>,
  span: Span,
): { rows: number; inputs: number; outputs: number } {
  const total = { rows: 0, inputs: 0, outputs: 0 };
  for (const number of slicesIn(span).flat())
    for (const g of slices.get(number)?.groups ?? []) {
      total.rows += g.rows;
      total.inputs += g.rows - g.inputs;
      total.outputs += g.rows - g.outputs;
    }
  return total;
}

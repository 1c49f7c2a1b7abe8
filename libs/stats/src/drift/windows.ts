import { sound } from '../errors.ts';
import { benjaminiHochberg } from '../multiplicity/multiplicity.ts';
import { designEffect, type Slices } from './design-effect.ts';
import { psi } from './psi.ts';

/**
 * One feature's histogram in one window, with its reference. `slices`: the counts of each part of the window's time, so
 * that bursts of rows are not taken for independent rows; also for the reference, when that is a window too.
 */
export type WindowFeature = {
  feature: string;
  reference: readonly number[];
  current: readonly number[];
  slices?: Slices;
  referenceSlices?: Slices;
};
/** Newest last. */
export type DriftWindow = { features: WindowFeature[] };

/** `effect`: this many rows of the windows give as much information as one independent row. */
export type FeatureDrift = {
  feature: string;
  psi: number | null;
  p: number | null;
  n: number;
  effect: number;
  alarm: boolean;
};
export type DriftRule = {
  /** Smallest effect that counts as movement. */
  effect: number;
  /** False discovery rate over the features of one window. */
  q: number;
  /** A feature has moved when it alarms in k of the last m windows. */
  k: number;
  m: number;
  minRows: number;
};
export const DRIFT_RULE: DriftRule = { effect: 0.1, q: 0.05, k: 2, m: 3, minRows: 200 };

/**
 * `rows`: of the newest window; `windows`: how many of the last m have enough rows. When they are fewer than
 * `windows_needed`, `needed` is how many rows the newest window must have.
 */
export type DriftJudgement =
  | {
      state: 'insufficient_data';
      rows: number;
      needed: number;
      windows: number;
      windows_needed: number;
      features: FeatureDrift[];
      moved: [];
    }
  | { state: 'stable' | 'moved'; rows: number; windows: number; features: FeatureDrift[]; moved: string[] };

/** Fewest rows that a PSI needs for each bin that has any. */
function neededRows(rule: DriftRule, { reference, current }: WindowFeature): number {
  return Math.max(rule.minRows, 20 * current.filter((c, i) => c + (reference[i] as number) > 0).length);
}

type Effects = { reference: number; current: number };

/** The design effect of each feature over all windows, since one window has too few slices to estimate it. */
function effectsOf(windows: readonly DriftWindow[]): Map<string, Effects> {
  const found = new Map<string, { reference: Slices[]; current: Slices[] }>();
  for (const { features } of windows)
    for (const { feature, slices, referenceSlices } of features) {
      const of = found.get(feature) ?? { reference: [], current: [] };
      if (slices) of.current.push(slices);
      if (referenceSlices) of.reference.push(referenceSlices);
      found.set(feature, of);
    }
  return new Map(
    [...found].map(([feature, of]) => [
      feature,
      { reference: designEffect(of.reference), current: designEffect(of.current) },
    ]),
  );
}

/** One window: effect and significance, the latter corrected over the features. */
function judgeWindow(window: DriftWindow, rule: DriftRule, effects: ReadonlyMap<string, Effects>): FeatureDrift[] {
  const measured = window.features.map((counted) => {
    const { feature, reference, current } = counted;
    const n = current.reduce((s, c) => s + c, 0);
    const enough = n >= neededRows(rule, counted) && reference.some((r) => r > 0);
    const of = effects.get(feature);
    return { feature, n, effect: of?.current ?? 1, result: enough ? psi(reference, current, of) : null };
  });
  const tested = measured.filter((f) => f.result !== null);
  const significant = benjaminiHochberg(
    tested.map((f) => f.result?.p ?? 1),
    rule.q,
  );
  return measured.map((f) => ({
    feature: f.feature,
    psi: f.result?.psi ?? null,
    p: f.result?.p ?? null,
    n: f.n,
    effect: f.effect,
    alarm: f.result !== null && f.result.psi >= rule.effect && (significant[tested.indexOf(f)] ?? false),
  }));
}

/**
 * Whether features have moved away from their reference: the effect is large enough, significant at the window's own
 * size (rows that depend on each other count as fewer), and lasts (k of m windows). Below the minimum sample it says
 * so, never "no drift". Pure.
 *
 * @param windows the last m complete windows, oldest first
 */
export const judgeDrift = sound(
  'judgeDrift',
  (windows: readonly DriftWindow[], rule: DriftRule = DRIFT_RULE): DriftJudgement => {
    const recent = windows.slice(-rule.m);
    const effects = effectsOf(recent);
    const judged = recent.map((w) => judgeWindow(w, rule, effects));
    const latest = judged.at(-1) ?? [];
    const rows = Math.max(0, ...latest.map((f) => f.n));
    const tested = judged.filter((w) => w.some((f) => f.psi !== null));
    if (tested.length < rule.k) {
      const needed = Math.max(rule.minRows, ...(windows.at(-1)?.features ?? []).map((f) => neededRows(rule, f)));
      const counts = { rows, needed, windows: tested.length, windows_needed: rule.k };
      return { state: 'insufficient_data', ...counts, features: latest, moved: [] };
    }
    const moved = latest
      .map((f) => f.feature)
      .filter((name) => judged.filter((w) => w.find((f) => f.feature === name)?.alarm).length >= rule.k);
    return { state: moved.length > 0 ? 'moved' : 'stable', rows, windows: tested.length, features: latest, moved };
  },
);

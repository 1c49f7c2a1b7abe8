import { sound, StatsError } from '../errors.ts';

/**
 * The test that Evidently chooses by default, by type, rows of the reference and distinct values over both samples; for
 * comparison with its users' reports.
 */
export const evidentlyDefault = sound(
  'evidentlyDefault',
  (type: 'num' | 'cat' | 'text', referenceRows: number, distinct: number): { method: string; threshold: number } => {
    const large = referenceRows > 1000;
    if (type === 'text')
      return large
        ? { method: 'abs_text_content_drift', threshold: 0.55 }
        : { method: 'perc_text_content_drift', threshold: 0.95 };
    if (large) return { method: type === 'num' && distinct > 5 ? 'wasserstein' : 'jensenshannon', threshold: 0.1 };
    if (distinct <= 2) return { method: 'z', threshold: 0.05 };
    return { method: type === 'cat' || distinct <= 5 ? 'chisquare' : 'ks', threshold: 0.05 };
  },
);

/** A data set has drifted when at least this share of its columns has (weights are importances; equal when absent). */
export const datasetDrift = sound(
  'datasetDrift',
  (
    drifted: readonly boolean[],
    share: number = 0.5,
    weights?: readonly number[],
  ): { score: number; datasetDrift: boolean } => {
    const w = weights ?? drifted.map(() => 1);
    const total = w.reduce((a, b) => a + b, 0);
    if (!(total > 0)) throw new StatsError('invalid_weights', 'the weights sum to zero');
    const score = drifted.reduce((s, d, i) => s + (d ? (w[i] as number) : 0), 0) / total;
    return { score, datasetDrift: score >= share };
  },
);

/** Alert limits from reference chunks: an offset ∓ k population standard deviations. NaN is left out. */
export const standardDeviationLimits = sound(
  'standardDeviationLimits',
  (
    values: readonly number[],
    lowMultiplier: number,
    highMultiplier: number,
    offset: 'mean' | 'median' | 'min' | 'max' = 'mean',
  ): [number, number] => {
    const v = values.filter((x) => !Number.isNaN(x)).sort((a, b) => a - b);
    if (v.length === 0) throw new StatsError('empty_arm', 'there are no chunks');
    const mean = v.reduce((a, b) => a + b, 0) / v.length;
    const sd = Math.sqrt(v.reduce((s, x) => s + (x - mean) ** 2, 0) / v.length);
    const middle = {
      mean,
      median: ((v[Math.floor((v.length - 1) / 2)] as number) + (v[Math.ceil((v.length - 1) / 2)] as number)) / 2,
      min: v[0] as number,
      max: v.at(-1) as number,
    }[offset];
    return [middle - lowMultiplier * sd, middle + highMultiplier * sd];
  },
);

/**
 * Performance without labels (CBPE, NannyML): the expected confusion matrix of calibrated probabilities. Correct under
 * a shift of the inputs, but blind to a changed relation of inputs and labels: combine it with labelled detectors.
 */
export const confidenceBasedPerformance = sound(
  'confidenceBasedPerformance',
  (calibrated: readonly number[], predicted: readonly number[]) => {
    if (calibrated.length !== predicted.length)
      throw new StatsError('length_mismatch', `${calibrated.length} probabilities, ${predicted.length} predictions`);
    if (calibrated.some((p) => !(p >= 0 && p <= 1)))
      throw new StatsError('out_of_range', 'a probability lies outside [0, 1]');
    let [TP, FP, FN, TN] = [0, 0, 0, 0];
    calibrated.forEach((p, i) => {
      if (predicted[i] === 1) {
        TP += p;
        FP += 1 - p;
      } else {
        FN += p;
        TN += 1 - p;
      }
    });
    const n = calibrated.length;
    const ratio = (a: number, b: number) => (b > 0 ? a / b : null);
    const order = [...calibrated].sort((a, b) => a - b);
    // Expected area under the curve: a positive before a negative, ties half.
    let [area, negativesBelow] = [0, 0];
    for (let i = 0; i < order.length; ) {
      let j = i;
      let [positives, negatives] = [0, 0];
      while (j < order.length && order[j] === order[i]) {
        positives += order[j] as number;
        negatives += 1 - (order[j] as number);
        j++;
      }
      area += positives * (negativesBelow + negatives / 2);
      negativesBelow += negatives;
      i = j;
    }
    const [P, N] = [TP + FN, FP + TN];
    return {
      TP,
      FP,
      FN,
      TN,
      accuracy: (TP + TN) / n,
      precision: ratio(TP, TP + FP),
      recall: ratio(TP, P),
      f1: ratio(2 * TP, 2 * TP + FP + FN),
      rocAuc: P > 0 && N > 0 ? area / (P * N) : null,
    };
  },
);

/** The PSI that chance exceeds with probability α, and the mean PSI, both without drift: (1/n + 1/m) χ²_{bins−1}. */
export const psiExpectation = sound('psiExpectation', (bins: number, n: number, m: number): number => {
  return (bins - 1) * (1 / n + 1 / m);
});

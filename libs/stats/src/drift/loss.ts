import { sound } from '../errors.ts';
import { normalCdf } from '../kernel/normal.ts';

export type LossWindow = { rows: number; errors: number };
export type LossJudgement = {
  state: 'insufficient_data' | 'as_before' | 'lost';
  rate: number | null;
  reference: number;
  windows: LossWindow[];
};

/**
 * When a loss is worth a retraining: this much above the reference rate, absolutely, and significant at this level, in
 * k of m windows.
 */
export const LOSS_RULE = { margin: 0.02, alpha: 0.01, k: 2, m: 3, minRows: 100 };

/**
 * Whether a model errs more on labelled live traffic than on its held-out data: one-sided two-proportion z-test against
 * reference + margin, in k of the last m windows. Pure.
 */
export const judgeLoss = sound(
  'judgeLoss',
  (reference: LossWindow, windows: readonly LossWindow[], rule: typeof LOSS_RULE = LOSS_RULE): LossJudgement => {
    const base = reference.rows > 0 ? reference.errors / reference.rows : 0;
    const recent = windows.slice(-rule.m);
    const usable = recent.filter((w) => w.rows >= rule.minRows);
    const rows = usable.reduce((s, w) => s + w.rows, 0);
    const rate = rows > 0 ? usable.reduce((s, w) => s + w.errors, 0) / rows : null;
    if (reference.rows < rule.minRows || usable.length < rule.k)
      return { state: 'insufficient_data', rate, reference: base, windows: recent };
    const lost = usable.filter((w) => {
      const live = w.errors / w.rows;
      const a = (w.errors + 0.5) / (w.rows + 1);
      const b = (reference.errors + 0.5) / (reference.rows + 1);
      const z = (live - base - rule.margin) / Math.sqrt((a * (1 - a)) / w.rows + (b * (1 - b)) / reference.rows);
      return 1 - normalCdf(z) < rule.alpha;
    });
    return { state: lost.length >= rule.k ? 'lost' : 'as_before', rate, reference: base, windows: recent };
  },
);

import { requireFinite, sound, StatsError } from '../errors.ts';

/**
 * Caps both tails at sample quantiles (type 1: order statistics). @param lower share below the lower cap; @param upper
 * share below the upper cap
 */
export const winsorise = sound(
  'winsorise',
  (values: readonly number[], lower: number, upper: number): { values: number[]; caps: [number, number] } => {
    if (values.length === 0) throw new StatsError('empty_arm', 'there are no values');
    if (!(lower >= 0 && upper <= 1 && lower < upper))
      throw new StatsError('out_of_range', `need 0 ≤ lower < upper ≤ 1, not ${lower} and ${upper}`);
    requireFinite('a value', ...values);
    const sorted = [...values].sort((a, b) => a - b);
    const at = (q: number) =>
      sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] as number;
    const caps: [number, number] = [at(lower), at(upper)];
    return { values: values.map((x) => Math.min(caps[1], Math.max(caps[0], x))), caps };
  },
);

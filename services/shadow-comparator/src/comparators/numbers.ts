import type { CompareRule } from '@slipway/release';
import { type Comparator, elements, type FoundDifference, found, listOf, placeOf } from './comparator.ts';

/** Fractional numbers agree within a tolerance. */
export const numbers: Comparator = {
  takes: (values) =>
    values.output
      ? values.output.kind === 'fraction' && elements(values) !== undefined
      : typeof values.control === 'number' && typeof values.candidate === 'number',

  async compare({ field, control, candidate }, rule) {
    const [a, b] = [listOf(control), listOf(candidate)];
    const differences: FoundDifference[] = [];
    for (let i = 0; i < a.length; i++) {
      const [x, y] = [a[i], b[i]];
      // A value that should be a number but is not (NaN has no JSON form) is equal or different.
      if (typeof x === 'number' && typeof y === 'number' ? !isWithin(x, y, rule) : x !== y)
        differences.push({ field: placeOf(field, i, a), kind: 'number', control: x, candidate: y });
    }
    return found(differences, largestDifference(a, b));
  },
};

function isWithin(a: number, b: number, rule: CompareRule): boolean {
  return Math.abs(a - b) <= rule.absolute + rule.relative * Math.abs(a);
}

/** Largest |a − b| of numbers at the same places; 0 without any. */
export function largestDifference(a: readonly unknown[], b: readonly unknown[]): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i], b[i]];
    const d = typeof x === 'number' && typeof y === 'number' ? Math.abs(x - y) : 0;
    if (Number.isFinite(d) && d > largest) largest = d;
  }
  return largest;
}

import { type Comparator, elements, type FoundDifference, found, listOf, placeOf } from './comparator.ts';

/** Integers, booleans, bytes and null are equal or different. */
export const exact: Comparator = {
  takes: (values) =>
    values.output ? elements(values) !== undefined : isLeaf(values.control) && isLeaf(values.candidate),

  async compare({ field, control, candidate }) {
    const [a, b] = [listOf(control), listOf(candidate)];
    const differences: FoundDifference[] = [];
    for (let i = 0; i < a.length; i++)
      if (a[i] !== b[i])
        differences.push({ field: placeOf(field, i, a), kind: 'class', control: a[i], candidate: b[i] });
    return found(differences);
  },
};

const isLeaf = (value: unknown) => value === null || typeof value !== 'object';

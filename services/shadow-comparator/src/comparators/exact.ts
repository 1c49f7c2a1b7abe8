import { type Comparator, elements, found, placeOf } from './comparator.ts';

/** Whole numbers, truth values, bytes and null are equal or not. */
export const exact: Comparator = {
  takes: (values) =>
    values.tensor ? elements(values) !== undefined : isLeaf(values.control) && isLeaf(values.candidate),

  async compare({ field, control, candidate }) {
    const [a, b] = [[control].flat(), [candidate].flat()];
    return found(
      a.flatMap((x, i) =>
        x === b[i] ? [] : [{ field: placeOf(field, i, a), kind: 'class' as const, control: x, candidate: b[i] }],
      ),
    );
  },
};

const isLeaf = (value: unknown) => value === null || typeof value !== 'object';

import { type Comparator, elements, type FoundDifference, found } from './comparator.ts';
import { largestDifference } from './numbers.ts';

/** Scores agree when the k highest of each row are at the same places. */
export const topK: Comparator = {
  takes(values, { topK: k }) {
    const [scores] = elements(values) ?? [];
    return k !== undefined && scores !== undefined && values.output?.kind === 'fraction' && scores.length > k;
  },

  async compare(values, { topK: k = 0 }) {
    const [a, b] = (elements(values) ?? [[], []]) as [number[], number[]];
    const width = a.length / rowsOf(values.output?.shape ?? [], a.length);
    const differences: FoundDifference[] = [];
    for (let start = 0; start < a.length; start += width) {
      const [p, q] = [a, b].map((scores) => highest(scores.slice(start, start + width), k)) as [number[], number[]];
      if (p.some((place) => !q.includes(place)))
        differences.push({ field: values.field, kind: 'top_k', control: p, candidate: q });
    }
    return found(differences, largestDifference(a, b));
  },
};

/** Rows of an output with this many elements; one row when its shape is unknown or does not divide them. */
function rowsOf(shape: readonly number[], elements: number): number {
  const [rows = 0] = shape.length > 1 ? shape : [];
  return rows > 0 && elements % rows === 0 ? rows : 1;
}

/** Places of the k highest; equal scores in order of place. */
function highest(scores: number[], k: number): number[] {
  return scores
    .map((s, i) => [s, i] as const)
    .sort(([a, i], [b, j]) => b - a || i - j)
    .slice(0, k)
    .map(([, i]) => i)
    .sort((a, b) => a - b);
}

import { type Comparator, found } from './comparator.ts';

/** Texts agree from a given similarity of their words on. */
export const textSimilarity: Comparator = {
  takes: ({ output, control, candidate }) => !output && typeof control === 'string' && typeof candidate === 'string',

  compare: async ({ field, control, candidate }, rule) =>
    found(
      wordSimilarity(control as string, candidate as string) < rule.textSimilarity
        ? [{ field, kind: 'text', control, candidate }]
        : [],
    ),
};

/**
 * Dice's coefficient of the multisets of words: 2·common / (words of both); 1 for the same words, whatever the white
 * space. When the texts must be equal, the order counts too.
 */
export function wordSimilarity(a: string, b: string): number {
  const x = a.split(/\s+/).filter((w) => w !== '');
  const y = b.split(/\s+/).filter((w) => w !== '');
  if (x.length === 0 && y.length === 0) return 1;
  if (x.length === y.length && x.every((w, i) => w === y[i])) return 1;
  const counts = new Map<string, number>();
  for (const w of x) counts.set(w, (counts.get(w) ?? 0) + 1);
  let common = 0;
  for (const w of y) {
    const left = counts.get(w) ?? 0;
    if (left > 0) common++;
    counts.set(w, left - 1);
  }
  // The same words in another order are not the same text.
  return Math.min(1 - 1e-9, (2 * common) / (x.length + y.length));
}

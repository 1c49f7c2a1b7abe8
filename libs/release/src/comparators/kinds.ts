import { exact } from './exact.ts';
import { numbers } from './numbers.ts';
import { textSimilarity } from './text-similarity.ts';
import { topK } from './top-k.ts';

/** Every kind of comparison. The rule of a shadow step and the names of differences follow from this list. */
export const COMPARATOR_KINDS = { exact, numbers, topK, textSimilarity };
export type ComparatorName = keyof typeof COMPARATOR_KINDS;

import type { ComparatorName } from '@slipway/release';
import type { Comparator } from '../comparators/comparator.ts';
import { exact } from '../comparators/exact.ts';
import { numbers } from '../comparators/numbers.ts';
import { textSimilarity } from '../comparators/text-similarity.ts';
import { topK } from '../comparators/top-k.ts';

export type Comparators = Readonly<Record<ComparatorName, Comparator>>;

/**
 * The comparators, in the order in which they are asked whether they accept two values. A declared kind that is missing
 * here does not compile.
 */
export const comparators: Comparators = { topK, numbers, textSimilarity, exact };

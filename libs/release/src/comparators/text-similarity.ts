import { z } from 'zod';
import { defineComparator } from './kind.ts';

/** Texts, by their words. */
export const textSimilarity = defineComparator({
  options: {
    /** Texts agree from this similarity of their words on (Dice; 1 is the same words), white space aside. */
    textSimilarity: z.number().gt(0).max(1).default(1),
  },
  differences: ['text'],
});

import { z } from 'zod';
import { defineComparator } from './kind.ts';

/** Texts, compared by words. */
export const textSimilarity = defineComparator({
  options: {
    /** Texts agree from this similarity of their words on (Dice; 1 for the same words), ignoring white space. */
    textSimilarity: z.number().gt(0).max(1).default(1),
  },
  differences: ['text'],
});

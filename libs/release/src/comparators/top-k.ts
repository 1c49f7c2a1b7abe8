import { z } from 'zod';
import { defineComparator } from './kind.ts';

/** Lists of scores in which only the highest matter. */
export const topK = defineComparator({
  options: {
    /** A list of scores agrees when its k highest scores are at the same places; without it, element by element. */
    topK: z.int().min(1).max(100).optional(),
  },
  differences: ['top_k'],
});

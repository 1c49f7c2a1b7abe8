import { z } from 'zod';
import { defineComparator } from './kind.ts';

const tolerance = z.number().nonnegative();

/** Numbers with a fraction. */
export const numbers = defineComparator({
  options: {
    /** Numbers with a fraction agree when |a − b| ≤ absolute + relative · |a|. */
    absolute: tolerance.default(1e-6),
    relative: tolerance.default(1e-3),
  },
  differences: ['number'],
});

import { z } from 'zod';
import { defineComparator } from './kind.ts';

const tolerance = z.number().nonnegative();

/** Fractional numbers. */
export const numbers = defineComparator({
  options: {
    /** Fractional numbers agree when |a − b| ≤ absolute + relative · |a|. */
    absolute: tolerance.default(1e-6),
    relative: tolerance.default(1e-3),
  },
  differences: ['number'],
});

import { defineComparator } from './kind.ts';

/** Whole numbers, truth values and bytes are classes: they are equal or not. */
export const exact = defineComparator({ options: {}, differences: ['class'] });

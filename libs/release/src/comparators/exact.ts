import { defineComparator } from './kind.ts';

/** Integers, booleans and bytes are equal or different. */
export const exact = defineComparator({ options: {}, differences: ['class'] });

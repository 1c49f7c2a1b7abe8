import type { Difference } from '@slipway/contracts';
import type { Output } from '@slipway/protocol';
import type { CompareRule } from '@slipway/release';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What both answers have in one place: a whole output of a protocol's answer (its elements), or any JSON value. */
export type Values = {
  /** Where that is: `class`, `probability`, `choices.0.text`. */
  field: string;
  control: Json;
  candidate: Json;
  /** Of an output; kind and shape are the control's. */
  output?: Pick<Output, 'kind' | 'shape'>;
};

export type FoundDifference = Pick<Difference, 'field' | 'kind'> & { control: unknown; candidate: unknown };
export type Found = {
  /** None: the values agree. */
  differences: FoundDifference[];
  /** Largest |a − b| of two numbers that were looked at; 0 without any. */
  maxDifference: number;
  /** What the comparison cost, in the deployment's currency; 0 where nobody had to be asked. */
  price: number;
};

/**
 * One way to compare two values: one value a kind, listed in `comparison/comparators.ts` under the name by which
 * libs/release declares its options.
 */
export type Comparator = {
  /**
   * Whether it is the one to compare these values by this rule: the first in the list that takes them does. Lists and
   * objects that none takes are compared element by element.
   */
  takes(values: Values, rule: CompareRule): boolean;
  /** May ask others, so a fault of theirs is thrown as a `TransientError`: the pair is compared again later. */
  compare(values: Values, rule: CompareRule): Promise<Found>;
};

/** What was found without asking anybody. */
export const found = (differences: FoundDifference[], maxDifference = 0): Found => ({
  differences,
  maxDifference,
  price: 0,
});

/** The elements of two outputs, if there are equally many. */
export function elements({ control, candidate, output }: Values): [Json[], Json[]] | undefined {
  const both = output && Array.isArray(control) && Array.isArray(candidate) && control.length === candidate.length;
  return both ? [control as Json[], candidate as Json[]] : undefined;
}

/** The elements of an output, or the one value. */
export const listOf = (value: Json): readonly Json[] => (Array.isArray(value) ? value : [value]);

/** The place of an element: of an output with one element it is the output's. */
export const placeOf = (field: string, i: number, of: readonly unknown[]) =>
  of.length === 1 ? field : `${field}.${i}`;

import type { Difference } from '@slipway/contracts';
import type { CompareRule } from '@slipway/release';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What both answers have in one place: a whole tensor of an OIP answer (its elements, flat), or any JSON value. */
export type Values = {
  /** Where that is: `class`, `probability`, `choices.0.text`. */
  field: string;
  control: Json;
  candidate: Json;
  /** Of a tensor; `shape` is the control's. */
  tensor?: { datatype: string; shape: readonly number[] };
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

/** Whether a tensor holds numbers with a fraction. */
export const isFraction = (datatype: string) => /^(FP|BF)/.test(datatype);

/** The elements of two tensors, if there are equally many. */
export function elements({ control, candidate, tensor }: Values): [Json[], Json[]] | undefined {
  const both = tensor && Array.isArray(control) && Array.isArray(candidate) && control.length === candidate.length;
  return both ? [control as Json[], candidate as Json[]] : undefined;
}

/** The elements of a tensor, or the one value. */
export const listOf = (value: Json): readonly Json[] => (Array.isArray(value) ? value : [value]);

/** The place of an element: of a tensor with one element it is the tensor's. */
export const placeOf = (field: string, i: number, of: readonly unknown[]) =>
  of.length === 1 ? field : `${field}.${i}`;

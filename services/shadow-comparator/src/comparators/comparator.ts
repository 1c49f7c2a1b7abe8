import type { Difference } from '@slipway/contracts';
import type { Output } from '@slipway/protocol';
import type { CompareRule } from '@slipway/release';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The values of both answers in one place: a whole output of a protocol's answer (its elements), or any JSON value. */
export type Values = {
  /** The place: `class`, `probability`, `choices.0.text`. */
  field: string;
  control: Json;
  candidate: Json;
  /** For an output: its kind and shape in control's answer. */
  output?: Pick<Output, 'kind' | 'shape'>;
};

export type FoundDifference = Pick<Difference, 'field' | 'kind'> & { control: unknown; candidate: unknown };
export type Found = {
  /** Empty when the values agree. */
  differences: FoundDifference[];
  /** Largest |a − b| of two compared numbers; 0 without any. */
  maxDifference: number;
  /** Cost of the comparison, in the deployment's currency; 0 when no service was asked. */
  price: number;
};

/**
 * A comparator: one value a kind, listed in `comparison/comparators.ts` under the name by which libs/release declares
 * its options.
 */
export type Comparator = {
  /**
   * Whether it compares these values by this rule; the first in the list that accepts them is used. Lists and objects
   * that none accepts are compared element by element.
   */
  takes(values: Values, rule: CompareRule): boolean;
  /** May call other services; their faults are thrown as a `TransientError`, and the pair is compared again later. */
  compare(values: Values, rule: CompareRule): Promise<Found>;
};

/** A result that needed no other service. */
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

/** The place of an element; for an output with one element, the place of the output. */
export const placeOf = (field: string, i: number, of: readonly unknown[]) =>
  of.length === 1 ? field : `${field}.${i}`;

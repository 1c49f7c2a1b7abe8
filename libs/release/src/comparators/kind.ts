import type { z } from 'zod';

type Shape = Readonly<Record<string, z.ZodType>>;

/** What a rollout may declare for one kind of comparison: one value a kind, listed in `kinds.ts`. */
export type ComparatorKind<Options extends Shape = Shape, Differs extends string = string> = {
  /** Its part of the comparison rule; each option is optional or has a default. */
  readonly options: Options;
  /** Names of its differences. */
  readonly differences: readonly Differs[];
};

/** Keeps the types of the options. */
export const defineComparator = <const O extends Shape, const D extends string>(
  kind: ComparatorKind<O, D>,
): ComparatorKind<O, D> => kind;

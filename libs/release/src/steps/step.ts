import { z } from 'zod';
import { durationMs } from '@slipway/core';
import type { CompareRule } from '../comparators/rule.ts';

/** The analysers, by their names in evidence. */
export const ANALYSERS = { traffic: 'experiment-stats', shadow: 'shadow-comparator', drift: 'drift-monitor' } as const;

/**
 * The candidate's share of traffic in a step: what it has already, a share of its own, or everything but a part that
 * stays with control (0 to 1).
 */
export type Share = 'same' | { readonly part: number } | { readonly allBut: number };

/** A step among the others of its rollout, for the checks of its kind. */
export type Place = {
  readonly index: number;
  readonly kind: string;
  readonly share: Share;
  /** Undefined before the first and after the last step. */
  readonly previous: Place | undefined;
  readonly next: Place | undefined;
  /** The share that the latest earlier traffic step gave to the candidate, 0 to 1; 0 when there was none. */
  readonly partBefore: number;
  /** Whether the rollout requires drift-monitor's verdict. */
  readonly drift: boolean;
  /** How many candidates the rollout has. */
  readonly candidates: number;
};

/** A fault of a step in its place. */
export type Complaint = {
  /** The field of the step's policy; the whole step when absent. */
  readonly field?: string;
  /** Index of the faulty step; the checked step itself when absent. */
  readonly at?: number;
  readonly message: string;
};

/** What a step needs before it becomes active. Until then traffic is as in the step before. */
export type Enter = {
  /** The share of traffic, 0 to 1, that workers must be able to answer with the candidate warm; at least one worker. */
  readonly warmFor: number;
};

/** What lets a step end. Everything that is given must be so, and something must be: else it would end at once. */
export type Leave = Waits &
  (
    | { readonly analysers: readonly [string, ...string[]] }
    | { readonly routersFollow: true }
    | { readonly approvals: number }
    | { readonly time: (activeAt: number) => number }
  );

/** What the end of a step may wait for. */
export type Waits = {
  /** Each must say `advance` for the present revision and step. One that is silent for long pauses the rollout. */
  readonly analysers: readonly string[];
  /** Every live router has applied the route in force. */
  readonly routersFollow?: boolean;
  /** This many different people have approved since the step was entered. */
  readonly approvals?: number;
  /** The earliest end besides its dwell. Both in milliseconds since the epoch. */
  readonly time?: (activeAt: number) => number;
  /** Why it ends, one sentence; the analysers' sentences follow. */
  readonly sentence?: string;
};

/**
 * The part of the rollout's α (the largest probability of rolling back a harmless candidate) that a kind of step uses:
 * fifths of it, divided equally among the rollout's steps of the kind, since each is a test of its own; or what the
 * other kinds leave, in one test over all of the steps. Only one analyser may take the rest.
 */
export type Alpha =
  | { readonly analyser: string; readonly fifths: 1 | 2 | 3 | 4 }
  | { readonly analyser: string; readonly rest: true };

/** The counts of the candidate that a step waits for, if any. */
export type Counts = { requests?: number | undefined; units?: number | undefined };

/** The goal of the step, and the field of the policy that names it. */
export type Goal = { readonly field: string; readonly metric: string };

/** Which requests the candidate runs in the shadow, and how its answers are compared with control's. */
export type Sampling = {
  /** Share of the endpoint's requests and, of these, the share that control answers a second time; 0 to 1. */
  readonly sample: number;
  readonly noise: number;
  /** A duration. */
  readonly deadline: string;
  readonly compare: CompareRule;
  readonly maxExcessDisagreement: number;
  readonly until: { readonly pairs: number };
};

/**
 * Everything about one kind of step. In a specification a step is `{ [name]: policy }`. All of it is pure.
 * `docs/adding-a-step.md` shows how to add one.
 */
export type KindOfStep<N extends string = string, S extends z.ZodType = z.ZodType> = {
  readonly name: N;
  readonly schema: S;
  /** Whether it makes sense for several candidates at once. */
  readonly several: boolean;
  /** Faults of the step in its place; empty when there are none. */
  check(policy: z.output<S>, place: Place): Complaint[];
  share(policy: z.output<S>, place: Place): Share;
  /** Minimum duration in milliseconds. */
  dwellMs(policy: z.output<S>): number;
  /** @param weight the candidate's share of traffic in the step, 0 to 1 */
  enter(policy: z.output<S>, weight: number): Enter;
  leave(policy: z.output<S>, place: Place): Leave;
  /** `null` when nothing that happens in this step alone can roll back. */
  readonly alpha: Alpha | null;
  /** Completes "Step 1 (canary) is active …". @param weight as in `enter` */
  sentence(policy: z.output<S>, weight: number, place: Place): string;

  // Optional properties of some kinds:
  /** Of what several candidates have together, each one's part, in their order; the sum is 1. Equal when absent. */
  parts?(policy: z.output<S>, place: Place): readonly number[];
  counts?(policy: z.output<S>): Counts;
  goal?(policy: z.output<S>): Goal;
  sampling?(policy: z.output<S>): Sampling;
};

/** The kind together with the schema of its steps. */
export type DefinedKind<N extends string, S extends z.ZodType> = KindOfStep<N, S> & {
  readonly step: z.ZodObject<Record<N, S>, z.core.$strict>;
};

/** Declares a kind of step. It takes effect when it is in the list in `kinds.ts`. */
export function defineStep<const N extends string, S extends z.ZodType>(kind: KindOfStep<N, S>): DefinedKind<N, S> {
  return { ...kind, step: z.strictObject({ [kind.name]: kind.schema } as Record<N, S>) };
}

/** A duration in milliseconds; 0 when it is absent. */
export const dwellOf = (duration: string | undefined): number => (duration === undefined ? 0 : durationMs(duration));

/** Most kinds need the candidate warm for the share of traffic that they give it. */
export const warmForItsShare = (_: unknown, weight: number): Enter => ({ warmFor: weight });

/** @param weight a share, 0 to 1 */
export const candidateAt = (_: unknown, weight: number, { candidates }: Place): string => {
  const share = `${Math.round(weight * 1e4) / 100} %`;
  return candidates > 1 ? `with the ${candidates} candidates together at ${share}` : `with the candidate at ${share}`;
};

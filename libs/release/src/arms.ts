import { CANDIDATE, CONTROL, toNineDigits, type VersionRef } from '@slipway/core';
import type { Rollout } from './rollout.ts';
import { stepAt, type Steps } from './steps/step-at.ts';

/** A version that a rollout tries, with the name of its arm. */
export type Candidate = VersionRef & { readonly name: string };

/** The part of a rollout's specification that names its candidates. */
type Named = Pick<Rollout['spec'], 'candidate' | 'candidates'>;

/** A rollout's candidates, in the order of its specification; the only one is called {@link CANDIDATE}. */
export function candidatesOf({ candidate, candidates }: Named): readonly Candidate[] {
  return candidates ?? (candidate ? [{ name: CANDIDATE, ...candidate }] : []);
}

/** The candidates that have not been withdrawn. */
export function remainingCandidates({ spec, withdrawn = [] }: Pick<Rollout, 'spec' | 'withdrawn'>): Candidate[] {
  return candidatesOf(spec).filter(({ name }) => !withdrawn.some((w) => w.arm === name));
}

/** The candidate that a rollout was promoted to: its only one, or the winner; undefined before a promotion. */
export function winnerOf({ spec, status, winner }: Pick<Rollout, 'spec' | 'status' | 'winner'>): Candidate | undefined {
  return status === 'promoted' ? candidatesOf(spec).find(({ name }) => name === (winner ?? CANDIDATE)) : undefined;
}

/** A candidate's share of the units, 0 to 1, and whether control answers them because it was withdrawn. */
export type CandidateShare = Candidate & { readonly share: number; readonly withdrawn: boolean };

/**
 * Each candidate's present share of a branch's units; control has the rest. Several candidates share the step's split,
 * to nine digits as in rows. A withdrawn one keeps its place, so that no other arm's units change.
 */
export function candidateShares(
  rollout: Pick<Rollout, 'spec' | 'step' | 'weight' | 'withdrawn'>,
): readonly CandidateShare[] {
  const all = candidatesOf(rollout.spec);
  const parts = partsAt(rollout.spec, rollout.step);
  return all.map((candidate, i) => ({
    ...candidate,
    // The share of an only candidate is the weight itself.
    share: all.length === 1 ? rollout.weight : toNineDigits(rollout.weight * (parts[i] as number)),
    withdrawn: (rollout.withdrawn ?? []).some((w) => w.arm === candidate.name),
  }));
}

/** Each candidate's part of what all candidates have together in a step; equal parts outside of any step. */
export function partsAt(spec: Steps & Named, index: number): readonly number[] {
  const n = candidatesOf(spec).length;
  return stepAt(spec, index)?.parts ?? new Array<number>(n).fill(1 / n);
}

/**
 * The share of control and one candidate together while all candidates have traffic, 0 to 1; 1 for an only candidate.
 * Given that a unit belongs to one of the two, it is the candidate's with its share divided by this.
 */
export function pairShare(spec: Steps & Named, name: string): number {
  const all = candidatesOf(spec);
  if (all.length === 1) return 1;
  const index = spec.steps.findIndex((_, i) => (stepAt(spec, i)?.weight ?? 0) > 0);
  const weight = stepAt(spec, index)?.weight ?? 0;
  const parts = partsAt(spec, index);
  return toNineDigits(
    all.reduce((left, c, i) => (c.name === name ? left : left - toNineDigits(weight * (parts[i] as number))), 1),
  );
}

/** The share of a candidate among the units of control and its own at present, 0 to 1. */
export function weightBesideControl(rollout: Rollout, name: string): number {
  const shares = candidateShares(rollout);
  const own = shares.find((c) => c.name === name)?.share ?? 0;
  const control = shares.reduce((left, c) => left - c.share, 1);
  return shares.length === 1 ? own : own > 0 ? toNineDigits(own / (own + control)) : 0;
}

/** The name of an arm in a sentence: "the candidate" when there is only one. */
export function nameOfArm(arm: string): string {
  return arm === CONTROL ? 'the control' : arm === CANDIDATE ? 'the candidate' : `the candidate "${arm}"`;
}

import { CANDIDATE, CONTROL, type VersionRef } from '@slipway/core';
import type { Rollout } from './rollout.ts';
import { stepAt, type Steps } from './steps/step-at.ts';

/** A version that a rollout tries, by the name of its arm. */
export type Candidate = VersionRef & { readonly name: string };

/** The part of a rollout's specification that names its candidates. */
type Named = Pick<Rollout['spec'], 'candidate' | 'candidates'>;

/** A rollout's candidates, in the order of its specification; the only one is called {@link CANDIDATE}. */
export function candidatesOf({ candidate, candidates }: Named): readonly Candidate[] {
  return candidates ?? (candidate ? [{ name: CANDIDATE, ...candidate }] : []);
}

/** Those that have not been withdrawn. */
export function remainingCandidates({ spec, withdrawn = [] }: Pick<Rollout, 'spec' | 'withdrawn'>): Candidate[] {
  return candidatesOf(spec).filter(({ name }) => !withdrawn.some((w) => w.arm === name));
}

/** What a rollout was promoted to: its only candidate, or the one that won; undefined while nothing was. */
export function winnerOf({ spec, status, winner }: Pick<Rollout, 'spec' | 'status' | 'winner'>): Candidate | undefined {
  return status === 'promoted' ? candidatesOf(spec).find(({ name }) => name === (winner ?? CANDIDATE)) : undefined;
}

/** A candidate's share of the units, 0 to 1, and whether control answers them since it was withdrawn. */
export type CandidateShare = Candidate & { readonly share: number; readonly withdrawn: boolean };

/**
 * What each candidate has of a branch's units at present; control has the rest. Of several candidates each has its part
 * of the step's split, to nine digits as in rows. One that was withdrawn keeps its place, so that no other arm's units
 * change.
 */
export function candidateShares(
  rollout: Pick<Rollout, 'spec' | 'step' | 'weight' | 'withdrawn'>,
): readonly CandidateShare[] {
  const all = candidatesOf(rollout.spec);
  const parts = partsAt(rollout.spec, rollout.step);
  return all.map((candidate, i) => ({
    ...candidate,
    // The share of an only candidate is the weight itself.
    share: all.length === 1 ? rollout.weight : toNine(rollout.weight * (parts[i] as number)),
    withdrawn: (rollout.withdrawn ?? []).some((w) => w.arm === candidate.name),
  }));
}

/** Of what all candidates have together in a step, each one's part; equal parts outside of any. */
export function partsAt(spec: Steps & Named, index: number): readonly number[] {
  const n = candidatesOf(spec).length;
  return stepAt(spec, index)?.parts ?? new Array<number>(n).fill(1 / n);
}

/**
 * The part of the units that control and one candidate have together while all candidates have traffic, 0 to 1; 1 for
 * an only candidate. Given that a unit belongs to one of them, it is the candidate's with its share divided by that.
 */
export function pairShare(spec: Steps & Named, name: string): number {
  const all = candidatesOf(spec);
  if (all.length === 1) return 1;
  const index = spec.steps.findIndex((_, i) => (stepAt(spec, i)?.weight ?? 0) > 0);
  const weight = stepAt(spec, index)?.weight ?? 0;
  const parts = partsAt(spec, index);
  return toNine(all.reduce((left, c, i) => (c.name === name ? left : left - toNine(weight * (parts[i] as number))), 1));
}

/** The share of a candidate among the units of control and its own at present, 0 to 1. */
export function weightBesideControl(rollout: Rollout, name: string): number {
  const shares = candidateShares(rollout);
  const own = shares.find((c) => c.name === name)?.share ?? 0;
  const control = shares.reduce((left, c) => left - c.share, 1);
  return shares.length === 1 ? own : own > 0 ? toNine(own / (own + control)) : 0;
}

/** How an arm is called in a sentence: "the candidate" where there is one. */
export function nameOfArm(arm: string): string {
  return arm === CONTROL ? 'the control' : arm === CANDIDATE ? 'the candidate' : `the candidate "${arm}"`;
}

const toNine = (x: number) => Math.round(x * 1e9) / 1e9;

import { candidatesOf, nameOfArm, partsAt, remainingCandidates } from './arms.ts';
import { type Capacity, enoughWarm, neededWarm } from './capacity.ts';
import type { Rollout } from './rollout.ts';

/** What is known of one candidate's versions that are loaded. */
export type CandidateWorld = {
  /** Who has it warm, beside those who answer for control. */
  capacity: Capacity;
  /** Why a worker could not load it. */
  failure: string | undefined;
};

/** A candidate of which too few workers have the version warm for its part of the traffic, 0 to 1. */
export type ColdCandidate = { arm: string; weight: number; state: CandidateWorld | undefined };

/**
 * The candidates that remain and are not warm enough. Pure.
 *
 * @param weight the share of traffic that all of them are to have together, each its part; at 1 each one the whole,
 * since control has no share then beside several
 * @param known by arm
 */
export function coldCandidates(
  rollout: Rollout,
  weight: number,
  known: Readonly<Record<string, CandidateWorld>>,
): ColdCandidate[] {
  const all = candidatesOf(rollout.spec).map((c) => c.name);
  const parts = partsAt(rollout.spec, rollout.step);
  return remainingCandidates(rollout)
    .map(({ name }) => ({
      arm: name,
      weight: all.length === 1 || weight === 1 ? weight : weight * (parts[all.indexOf(name)] ?? 0),
      state: known[name],
    }))
    .filter(({ weight: own, state }) => !state || !enoughWarm(own, state.capacity));
}

/** How many workers have had each of them warm, and how many it takes: no full sentence. */
export function countWarm(cold: readonly ColdCandidate[]): string {
  return cold
    .map(({ arm, weight, state }) => {
      if (!state) return `nothing is known of ${nameOfArm(arm)}`;
      const needed = neededWarm(weight, state.capacity);
      const have = `${state.capacity.candidateWarm} of the ${needed} workers that its traffic needs`;
      return `${have} have had ${nameOfArm(arm)} warm`;
    })
    .join('; ');
}

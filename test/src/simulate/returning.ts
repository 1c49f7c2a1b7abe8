import { ReturningUnits } from '@slipway/stats';
import { type Arm, bucketOf, Evidence } from './evidence.ts';
import { Random } from './random.ts';

/** Shares of consecutive steps. Down and up again is a rollout that was paused at a smaller share and resumed. */
export const ladders: Record<string, readonly number[]> = {
  '2 steps: 10, 50': [0.1, 0.5],
  '3 steps: 5, 25, 50': [0.05, 0.25, 0.5],
  '4 steps: 5, 20, 35, 50': [0.05, 0.2, 0.35, 0.5],
  '6 steps: 5, 10, 20 … 50': [0.05, 0.1, 0.2, 0.3, 0.4, 0.5],
  '8 steps: 10, 20 … 80': [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
  '9 steps: 10, 20 … 90': [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
  '10 steps: 40, 41 … 49': [0.4, 0.41, 0.42, 0.43, 0.44, 0.45, 0.46, 0.47, 0.48, 0.49],
  'paused: 25, 50, 25, 50, 75': [0.25, 0.5, 0.25, 0.5, 0.75],
  'lowered: 50, 40, 30, 20, 10': [0.5, 0.4, 0.3, 0.2, 0.1],
  'begun again: 20, 20, 40, 40, 60': [0.2, 0.2, 0.4, 0.4, 0.6],
};
const DWELL = 60;
/** Requests a user makes in a step, on average: nearly all of them come back. */
const VISITS = 3;
const DELAYS = [5, 20, 45, 90];
/** Of the metric of conversions, per `exposed`. */
const WINDOW = 90;

/** `broken`: half of the candidate's requests fail from the second step on. */
export type Kind = 'identical' | 'broken';
export type Found = { rolledBack: boolean; alarm: boolean; second: number };
/** A unit in one step: how long its window lasts, and whether it has bought within it. */
type Stay = { unit: number; share: number; arm: Arm; step: number; until: number; bought: boolean };
export type Played = { given: Found; fresh: Found };

/**
 * One rollout over users who come back, each with persistent habits: most never fail, some nearly always; some are
 * slow; conversions arrive late. Every step ends after its dwell, whatever is in doubt. Judged twice on the same
 * requests: each unit given its earlier arms, and as an independent draw in every step.
 */
function playReturning(shares: readonly number[], users: number, kind: Kind, seed: number): Played {
  const random = new Random(seed);
  const planned = shares.length * DWELL;
  const point = Array.from({ length: users }, () => random.uniform());
  const failing = Array.from({ length: users }, () => (random.uniform() < 0.1 ? random.uniform() ** 2 : 0.002));
  const slowness = Array.from({ length: users }, () => 0.8 * random.normal());
  const buying = Array.from({ length: users }, () => (random.uniform() < 0.3 ? 0.4 * random.uniform() : 0.01));
  const judges = { given: new Evidence(1, planned), fresh: new Evidence(1, planned) };
  const found: Played = {
    given: { rolledBack: false, alarm: false, second: planned },
    fresh: { rolledBack: false, alarm: false, second: planned },
  };
  const known = new ReturningUnits();
  const names = Array.from({ length: users }, (_, u) => `user-${u}`);
  /** Who buys in which second. */
  const late = new Map<number, number[]>();
  /** Stays of units in a step, by the second in which their window is over; and each unit's latest. */
  const stays = new Map<number, Stay[]>();
  const latest: Stay[] = [];
  const seen = { exposed: new Set<number>(), errors: new Set<number>() };
  const first = (of: keyof typeof seen, step: number, unit: number): boolean => {
    const key = step * users + unit;
    if (seen[of].has(key)) return false;
    seen[of].add(key);
    return true;
  };
  const rate = (users * VISITS) / DWELL;

  // Windows are still open when the last step ends.
  for (let t = 0; t < planned + WINDOW; t++) {
    const step = Math.min(Math.floor(t / DWELL), shares.length - 1);
    const share = shares[step] as number;
    for (let n = t < planned ? random.poisson(rate) : 0; n > 0; n--) {
      const unit = Math.floor(random.uniform() * users);
      const name = names[unit] as string;
      const arm: Arm = (point[unit] as number) < share ? 'candidate' : 'control';
      const bucket = bucketOf(((slowness[unit] as number) + 0.6 * random.normal()) as number);
      const chance = known.exposed(name, { share, arm });
      judges.given.add(chance, arm, 'exposures');
      judges.given.add(chance, arm, bucket);
      if (latest[unit]?.step !== step) {
        latest[unit] = { unit, share, arm, step, until: t + WINDOW, bought: false };
        stays.set(t + WINDOW, [...(stays.get(t + WINDOW) ?? []), latest[unit]]);
      }
      if (first('exposed', step, unit)) {
        judges.fresh.add(share, arm, 'exposures');
        judges.fresh.add(share, arm, bucket);
      }
      const broken = kind === 'broken' && step > 0 && arm === 'candidate' && random.uniform() < 0.5;
      if (broken || random.uniform() < (failing[unit] as number)) {
        judges.given.add(known.event(name, share, 'errors'), arm, 'errors');
        if (first('errors', step, unit)) judges.fresh.add(share, arm, 'errors');
      }
      if (random.uniform() < (buying[unit] as number)) {
        const at = t + (DELAYS[Math.floor(random.uniform() * DELAYS.length)] as number);
        late.set(at, [...(late.get(at) ?? []), unit]);
      }
    }
    for (const unit of late.get(t) ?? []) {
      const stay = latest[unit];
      if (stay && t <= stay.until) stay.bought = true;
    }
    for (const { unit, share: then, arm, bought } of stays.get(t) ?? []) {
      if (!bought) continue;
      judges.given.add(known.event(names[unit] as string, then, 'conversions'), arm, 'conversions');
      judges.fresh.add(then, arm, 'conversions');
    }
    for (const by of ['given', 'fresh'] as const) {
      const { reasons, verdict, numbers } = judges[by].close(t);
      if (reasons.includes('sample_ratio_mismatch')) found[by].alarm = true;
      // The evidence alone: a sample-ratio alarm is counted, but does not prevent a rollback.
      if (!found[by].rolledBack && (verdict === 'rollBack' || numbers.e >= numbers.threshold)) {
        found[by].rolledBack = true;
        found[by].second = t;
      }
    }
  }
  return found;
}

export type ReturningRow = {
  ladder: string;
  users: number;
  kind: Kind;
  runs: number;
  seed: number;
  rolledBack: number;
  alarms: number;
  medianSeconds: number | null;
  fresh: { rolledBack: number; alarms: number };
};

export function returningRow(ladder: string, users: number, kind: Kind, runs: number, seed: number): ReturningRow {
  const shares = ladders[ladder];
  if (!shares) throw new Error(`there is no ladder "${ladder}"`);
  const played = Array.from({ length: runs }, (_, run) => playReturning(shares, users, kind, seed * 1_000_003 + run));
  const share = (of: (p: Played) => boolean) => played.filter(of).length / runs;
  const seconds = played.filter((p) => p.given.rolledBack).map((p) => p.given.second - DWELL);
  return {
    ladder,
    users,
    kind,
    runs,
    seed,
    rolledBack: share((p) => p.given.rolledBack),
    alarms: share((p) => p.given.alarm),
    medianSeconds: seconds.sort((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? null,
    fresh: { rolledBack: share((p) => p.fresh.rolledBack), alarms: share((p) => p.fresh.alarm) },
  };
}

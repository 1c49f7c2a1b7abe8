import type { Target } from '@slipway/contracts';
import { targetKey } from '@slipway/routing';
import { type Arm, bucketOf, Evidence } from './evidence.ts';
import { EjectingRouter } from './ejecting-router.ts';
import { Random } from './random.ts';
import { candidate, control } from './targets.ts';

/**
 * The response of a version to a request: `refused` is a broken connection, `late` an answer in the last two fifths of
 * the deadline, after a candidate has been given up.
 */
type Fault = 'none' | 'failed' | 'refused' | 'late';
type World = { name: string; harmless: boolean; fault: (arm: Arm, t: number, random: Random, index: number) => Fault };

const rate = (p: number) => (_: Arm, __: number, random: Random) => (random.uniform() < p ? 'failed' : 'none') as Fault;
const ONSET = 60;
const from = (arm: Arm, t: number) => arm === 'candidate' && t >= ONSET;

export const worlds: readonly World[] = [
  { name: 'identical, 5xx of 1 % in both', harmless: true, fault: rate(0.01) },
  { name: 'identical, 5xx of 3 % in both', harmless: true, fault: rate(0.03) },
  { name: 'identical, 5xx of 20 % in both', harmless: true, fault: rate(0.2) },
  {
    name: 'one reset connection of the candidate',
    harmless: true,
    fault: (arm, t, random, index) =>
      arm === 'candidate' && t >= ONSET && index === 0 ? 'refused' : rate(0.001)(arm, t, random),
  },
  {
    name: 'an outage of 30 s that both share',
    harmless: true,
    fault: (arm, t, random) => (t >= ONSET && t < ONSET + 30 ? 'failed' : rate(0.01)(arm, t, random)),
  },
  {
    name: 'identical, 2 % of answers late',
    harmless: true,
    fault: (_, __, random) => (random.uniform() < 0.02 ? 'late' : rate(0.001)(_, __, random)),
  },
  {
    name: 'candidate refuses every connection',
    harmless: false,
    fault: (arm, t, random) => (from(arm, t) ? 'refused' : rate(0.01)(arm, t, random)),
  },
  {
    name: 'candidate fails every request',
    harmless: false,
    fault: (arm, t, random) => (from(arm, t) ? 'failed' : rate(0.01)(arm, t, random)),
  },
  {
    name: 'candidate fails every request, 5xx of 3 % in control',
    harmless: false,
    fault: (arm, t, random) => (from(arm, t) ? 'failed' : rate(0.03)(arm, t, random)),
  },
  {
    name: 'candidate fails 30 %, control 1 %',
    harmless: false,
    fault: (arm, t, random) => rate(from(arm, t) ? 0.3 : 0.01)(arm, t, random),
  },
];

export type Counting = 'no event' | 'as failures';
const STEPS = [0.05, 0.25, 0.5];
const DWELL = 120;
const MARGIN = 1.25;
const DELAYS = [5, 20, 45];

export type Ejected = { rolledBack: boolean; second: number; out: number };

/**
 * One rollout through the router's own ejection code: one address each, every request from another unit, a look each
 * second. Requests of the candidate that were not tried are answered by control: they are exposures and not events, and
 * so are control's requests for which the candidate would not have been tried. `counting` `as failures` is an earlier
 * rule: each of them is an error, a latency and an exposure for outcomes of the candidate.
 */
function playEjection(world: World, perSecond: number, counting: Counting, seed: number): Ejected {
  const random = new Random(seed);
  let now = 0;
  const router = new EjectingRouter(() => now * 1000);
  const planned = STEPS.length * DWELL;
  const evidence = new Evidence(MARGIN, planned);
  const late = new Map<number, { share: number; arm: Arm; n: number }[]>();
  let sinceOnset = 0;
  let ejectedSince: number | undefined;
  let out = 0;

  const attempt = (target: Target, t: number): Fault => {
    const arm = target === control ? 'control' : 'candidate';
    const fault = world.fault(arm, t, random, arm === 'candidate' && t >= ONSET ? sinceOnset++ : -1);
    const key = targetKey(target, target.addresses[0] as string);
    if (fault === 'none' || (fault === 'late' && target === control)) router.succeeded(key);
    else router.failed(key, fault === 'refused');
    return fault;
  };

  for (let t = 0; t < planned; t++) {
    const share = STEPS[Math.floor(t / DWELL)] as number;
    const n = random.poisson(perSecond);
    const converted = { control: 0, candidate: 0 };
    for (let i = 0; i < n; i++) {
      now = t + i / n;
      const arm: Arm = random.uniform() < share ? 'candidate' : 'control';
      let failed = false;
      // What would not be an event of the candidate is not an event of control.
      let ejected = arm === 'control' && counting === 'no event' && router.isOut(candidate, control);
      if (arm === 'candidate') {
        ejected = router.order(candidate, false, control).length === 0;
        failed = !ejected && attempt(candidate, now) !== 'none';
      }
      if (arm === 'control' || failed || ejected) {
        router.order(control, true, candidate);
        const met = attempt(control, now);
        if (arm === 'control') failed = met === 'late' ? counting === 'no event' : met !== 'none';
      }
      evidence.add(share, arm, 'exposures');
      const converts = random.uniform() < 0.1;
      const bucket = bucketOf(random.normal());
      if (ejected) {
        if (arm === 'candidate') {
          ejectedSince ??= now;
          out = Math.max(out, now - ejectedSince);
        }
        if (counting === 'no event') continue;
        failed = true;
      } else if (arm === 'candidate' && !failed) ejectedSince = undefined;
      if (failed) evidence.add(share, arm, 'errors');
      evidence.add(share, arm, bucket);
      if (converts) converted[arm]++;
    }
    // One delay for both arms: the candidate's share of a second's conversions must not depend on the delay.
    const at = t + (DELAYS[Math.floor(random.uniform() * DELAYS.length)] as number);
    const due = late.get(at) ?? [];
    for (const arm of ['control', 'candidate'] as const) due.push({ share, arm, n: converted[arm] });
    late.set(at, due);
    for (const { share: then, arm, n: many } of late.get(t) ?? [])
      for (let i = 0; i < many; i++) evidence.add(then, arm, 'conversions');
    const { verdict } = evidence.close(t);
    if (verdict === 'rollBack') return { rolledBack: true, second: t, out };
  }
  return { rolledBack: false, second: planned, out };
}

export type EjectionRow = {
  world: string;
  harmless: boolean;
  perSecond: number;
  counting: Counting;
  runs: number;
  seed: number;
  rolledBack: number;
  /** After the onset, where there is one. */
  medianSeconds: number | null;
  /** Share of the runs in which the candidate was out of service for more than 60 s. */
  out: number;
};

export function ejectionRow(
  name: string,
  perSecond: number,
  counting: Counting,
  runs: number,
  seed: number,
): EjectionRow {
  const world = worlds.find((w) => w.name === name);
  if (!world) throw new Error(`there is no world "${name}"`);
  const played = Array.from({ length: runs }, (_, run) =>
    playEjection(world, perSecond, counting, seed * 1_000_003 + run),
  );
  const seconds = played.filter((p) => p.rolledBack).map((p) => p.second - ONSET + 1);
  return {
    world: name,
    harmless: world.harmless,
    perSecond,
    counting,
    runs,
    seed,
    rolledBack: played.filter((p) => p.rolledBack).length / runs,
    medianSeconds: seconds.sort((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? null,
    out: played.filter((p) => p.out > 60).length / runs,
  };
}

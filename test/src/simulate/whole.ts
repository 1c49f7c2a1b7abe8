import type { Target } from '@slipway/contracts';
import { latencyBuckets } from '@slipway/experiment-stats/latency-buckets';
import { proveRatio, ReturningUnits } from '@slipway/stats';
import { targetKey } from '@slipway/routing';
import { type Arm, Evidence } from './evidence.ts';
import { EjectingRouter } from './ejecting-router.ts';
import { Random } from './random.ts';
import { candidate, control } from './targets.ts';

/**
 * How a failed request counts. `own answers`: as an error, and nothing that its caller does afterwards is evidence.
 * `all` (an earlier rule): as an error, with the time of all its attempts as a latency, and with outcomes counted
 * whichever version answered.
 */
export type Rule = 'own answers' | 'all';
/** Exact latencies, or latencies rounded to milliseconds, many of which are equal. */
export type Clock = 'exact' | 'in ms';

const STEPS = [0.05, 0.25, 0.5];
const DWELL = 300;
const WINDOW = 60;
const DELAYS = [1, 5, 20, 45];
const ERROR_MARGIN = 1.25;
const LATENCY_MARGIN = 1.2;
/** Of one attempt, microseconds and ln. */
const MEDIAN_US = 3000;
const SIGMA = 0.15;
/** After an answer. */
const CONVERTS = 0.1;
const COMPLAINS = 0.05;
/** Share of the users without an answer who do not come back. */
const LEAVES = 0.5;

type Stay = {
  unit: number;
  step: number;
  share: number;
  arm: Arm;
  until: number;
  bought: boolean;
  complained: boolean;
};
type Fact = { unit: number; at: number; what: 'bought' | 'complained' };
export type Whole = { rolledBack: boolean; alarm: boolean; provedBetter: boolean };

/**
 * One rollout of a candidate that is identical to control, over users who come back, through the router's own ejection
 * and with its fallback: a failed request of the candidate is sent to control, a failed one of control is not answered.
 * A user with an answer may buy or complain, up to 45 s later; one without does neither, and often leaves. Every step
 * ends after its dwell; in the last one a goal (more conversions) is checked each second, too.
 */
function playWhole(perMinute: number, errorRate: number, rule: Rule, clock: Clock, seed: number): Whole {
  const random = new Random(seed);
  const planned = STEPS.length * DWELL;
  const attemptUs = () => {
    const us = MEDIAN_US * Math.exp(SIGMA * random.normal());
    return clock === 'exact' ? us : 1000 * Math.round(us / 1000);
  };
  const baseline = latencyBuckets(Array.from({ length: 2000 }, attemptUs));
  if (!baseline.edges) throw new Error('the baseline cannot be cut');
  const { edges, masses } = baseline;
  const bucketOf = (us: number) => {
    const found = edges.findIndex((edge) => us <= edge);
    return found < 0 ? edges.length : found;
  };
  const evidence = new Evidence(ERROR_MARGIN, planned + WINDOW, masses, true);
  let now = 0;
  const router = new EjectingRouter(() => now * 1000);
  const users = Math.max(50, 2 * perMinute);
  const point = Array.from({ length: users }, () => random.uniform());
  const names = Array.from({ length: users }, (_, u) => `user-${u}`);
  const gone = new Uint8Array(users);
  const failedAt = new Float64Array(users).fill(Number.POSITIVE_INFINITY);
  const tried = new Int8Array(users).fill(-1);
  const latest: (Stay | undefined)[] = [];
  const known = new ReturningUnits();
  const closing = new Map<number, Stay[]>();
  const facts = new Map<number, Fact[]>();
  const goal = { control: { units: 0, events: 0 }, candidate: { units: 0, events: 0 } };
  const found: Whole = { rolledBack: false, alarm: false, provedBetter: false };

  const attempt = (target: Target): boolean => {
    const failed = random.uniform() < errorRate;
    const key = targetKey(target, target.addresses[0] as string);
    if (failed) router.failed(key, false);
    else router.succeeded(key);
    return !failed;
  };
  const fact = (unit: number, what: Fact['what']) => {
    const at = now + (DELAYS[Math.floor(random.uniform() * DELAYS.length)] as number);
    const due = facts.get(Math.floor(at)) ?? [];
    facts.set(Math.floor(at), due);
    due.push({ unit, at, what });
  };

  for (let t = 0; t < planned + WINDOW; t++) {
    const step = Math.min(Math.floor(t / DWELL), STEPS.length - 1);
    const share = STEPS[step] as number;
    const n = t < planned ? random.poisson(perMinute / 60) : 0;
    for (let i = 0; i < n; i++) {
      now = t + i / n;
      const unit = Math.floor(random.uniform() * users);
      if (gone[unit]) continue;
      const name = names[unit] as string;
      const arm: Arm = (point[unit] as number) < share ? 'candidate' : 'control';
      let us = 0;
      let own = false;
      let ejected = arm === 'control' && router.isOut(candidate, control);
      if (arm === 'candidate') {
        ejected = router.order(candidate, false, control).length === 0;
        if (!ejected) {
          us += attemptUs();
          own = attempt(candidate);
        }
      }
      let answered = own;
      if (!own) {
        router.order(control, true, candidate);
        us += attemptUs();
        answered = attempt(control);
        if (arm === 'control') own = answered;
      }
      evidence.add(known.exposed(name, { share, arm }), arm, 'exposures');
      if (!ejected) {
        if (latest[unit]?.step !== step && (rule === 'all' || now <= (failedAt[unit] as number))) {
          const stay = { unit, step, share, arm, until: now + WINDOW, bought: false, complained: false };
          latest[unit] = stay;
          const end = Math.ceil(stay.until);
          closing.set(end, [...(closing.get(end) ?? []), stay]);
        }
        if (!own) {
          failedAt[unit] = Math.min(failedAt[unit] as number, now);
          evidence.add(known.event(name, share, 'errors'), arm, 'errors');
        }
        const first = tried[unit] !== step;
        tried[unit] = step;
        if (rule === 'all' || (own && first))
          evidence.add(
            known.event(name, share, 'latency'),
            arm,
            bucketOf(us / (arm === 'candidate' ? LATENCY_MARGIN : 1)),
          );
      }
      if (!answered && random.uniform() < LEAVES) gone[unit] = 1;
      if (answered && random.uniform() < CONVERTS) fact(unit, 'bought');
      if (answered && random.uniform() < COMPLAINS) fact(unit, 'complained');
    }
    for (const { unit, at, what } of facts.get(t) ?? []) {
      const stay = latest[unit];
      if (stay && at <= stay.until && (rule === 'all' || at < (failedAt[unit] as number))) stay[what] = true;
    }
    facts.delete(t);
    for (const stay of closing.get(t) ?? []) {
      const { unit, share: then, arm, bought, complained } = stay;
      const name = names[unit] as string;
      if (bought) evidence.add(known.event(name, then, 'conversions'), arm, 'conversions');
      if (complained) evidence.add(known.event(name, then, 'complaints'), arm, 'complaints');
      if (stay.step !== STEPS.length - 1) continue;
      goal[arm].units++;
      if (bought) goal[arm].events++;
    }
    closing.delete(t);
    const { numbers, verdict, reasons } = evidence.close(t);
    if (reasons.includes('sample_ratio_mismatch')) found.alarm = true;
    if (verdict === 'rollBack' || numbers.e >= numbers.threshold) found.rolledBack = true;
    if (proveRatio(goal.control, goal.candidate, 1, 'above', 0.05).state === 'proved') found.provedBetter = true;
  }
  return found;
}

export type WholeRow = {
  perMinute: number;
  errorRate: number;
  rule: Rule;
  clock: Clock;
  runs: number;
  seed: number;
  rolledBack: number;
  alarms: number;
  provedBetter: number;
};

export function wholeRow(
  perMinute: number,
  errorRate: number,
  rule: Rule,
  clock: Clock,
  runs: number,
  seed: number,
): WholeRow {
  const played = Array.from({ length: runs }, (_, run) =>
    playWhole(perMinute, errorRate, rule, clock, seed * 1_000_003 + run),
  );
  const share = (of: (p: Whole) => boolean) => played.filter(of).length / runs;
  return {
    perMinute,
    errorRate,
    rule,
    clock,
    runs,
    seed,
    rolledBack: share((p) => p.rolledBack),
    alarms: share((p) => p.alarm),
    provedBetter: share((p) => p.provedBetter),
  };
}

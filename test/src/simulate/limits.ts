import {
  CountEvidence,
  type GuardrailNumbers,
  judge,
  LatencyEvidence,
  type LatencyQuantiles,
  SAMPLE_RATIOS,
  WORSE_WHEN_FEWER,
  WORSE_WHEN_MORE,
} from '@slipway/stats';
import type { Arm } from './evidence.ts';
import { Random } from './random.ts';

/** What the candidate does; the control fails in 1 % of its requests and one in ten of its units converts. */
type World = { name: string; errors: number; slower: number; slowTail: number; conversions: number };
const like = { errors: 0.01, slower: 1, slowTail: 0, conversions: 0.1 };
export const limitWorlds: readonly World[] = [
  { ...like, name: 'identical' },
  { ...like, name: 'latency ×1.1 (allowed ×1.2)', slower: 1.1 },
  { ...like, name: 'latency ×1.48', slower: 1.48 },
  { ...like, name: 'three in a hundred answers ×8', slowTail: 0.03 },
  { ...like, name: 'errors ×2', errors: 0.02 },
  { ...like, name: 'conversions ×0.8', conversions: 0.08 },
];

/**
 * Which figures beyond their limit hold the candidate. `before promotion`: every figure, in the last step before it has
 * everything (the present rule). `in every step`; `in every step, p50 only`: earlier rules. `never`.
 */
export type Comparing = 'before promotion' | 'in every step' | 'in every step, p50 only' | 'never';

/** Whether a guardrail that is beyond its limit holds the candidate. */
export type Counts = (g: GuardrailNumbers, isLast: boolean) => boolean;
const COUNTS: Record<Comparing, Counts> = {
  'before promotion': (_, isLast) => isLast,
  'in every step': () => true,
  'in every step, p50 only': (g) => g.metric !== 'latency' || g.beyond.includes('p50'),
  never: () => false,
};

/** Shares, seconds each; the policy's limits. */
const STEPS = [0.05, 0.25, 0.5, 1];
const DWELL = 600;
/** Twice the planned time may be spent on waiting. */
const LONGEST = 2 * STEPS.length * DWELL;
const LIMITS = { errors: 1.25, latency: 1.2, conversions: 0.9 };
const SIGMA = 0.6;
const MEDIAN_US = 40_000;
const MASSES = [0.5, 0.4, 0.09, 0.01];
const EDGES = [0, 1.2815515655446004, 2.3263478740408408].map((z) => MEDIAN_US * Math.exp(SIGMA * z));

/** Latencies of one arm in one step, in bins of half a per cent. */
class Sample {
  private readonly bins = new Uint32Array(2600);
  answers = 0;
  add(us: number): void {
    const bin = Math.min(2599, Math.max(0, Math.round(Math.log(us / 1000) / 0.005)));
    this.bins[bin] = (this.bins[bin] as number) + 1;
    this.answers++;
  }
  quantiles(): LatencyQuantiles | null {
    if (this.answers === 0) return null;
    const at = [0.5, 0.9, 0.99].map((q) => Math.ceil(q * this.answers));
    const found: number[] = [];
    let below = 0;
    for (let bin = 0; found.length < 3; bin++) {
      below += this.bins[bin] as number;
      while (found.length < 3 && below >= (at[found.length] as number)) found.push(1000 * Math.exp(0.005 * bin));
    }
    return { answers: this.answers, p50: found[0] as number, p90: found[1] as number, p99: found[2] as number };
  }
}
const tally = () => ({ units: 0, errors: 0, conversions: 0, latencies: new Sample() });

export type Limited = {
  verdict: 'promoted' | 'rolledBack' | 'held';
  second: number;
  /** Seconds for which only a figure beyond its limit held it. */
  waited: number;
};

/** One rollout in closed loop, a look each second; every request from another unit, conversions at once. */
function playLimits(world: World, perMinute: number, counts: Counts, seed: number): Limited {
  const random = new Random(seed);
  const planned = STEPS.length * DWELL;
  const errors = new CountEvidence(LIMITS.errors, WORSE_WHEN_MORE, 0, planned);
  const conversions = new CountEvidence(LIMITS.conversions, WORSE_WHEN_FEWER, 0, planned);
  const distribution = new LatencyEvidence(MASSES, 0, planned);
  const tail = new CountEvidence(1, WORSE_WHEN_MORE, 0, planned);
  const ratio = new CountEvidence(1, SAMPLE_RATIOS, 0, planned);
  let step = 0;
  let since = 0;
  let waited = 0;
  let of = { control: tally(), candidate: tally() };
  for (let second = 0; second < LONGEST; second++) {
    const weight = STEPS[step] as number;
    const cell = () => ({ control: 0, candidate: 0 });
    const [units, failures, converted] = [cell(), cell(), cell()];
    const buckets = { control: [0, 0, 0, 0], candidate: [0, 0, 0, 0] };
    for (let n = random.poisson(perMinute / 60); n > 0; n--) {
      const arm: Arm = random.uniform() < weight ? 'candidate' : 'control';
      const { errors: p, slower, slowTail, conversions: q } = arm === 'candidate' ? world : like;
      const us =
        MEDIAN_US * slower * Math.exp(SIGMA * random.normal()) * (slowTail > 0 && random.uniform() < slowTail ? 8 : 1);
      units[arm]++;
      of[arm].units++;
      of[arm].latencies.add(us);
      const l = arm === 'candidate' ? us / LIMITS.latency : us;
      const bucket = EDGES.filter((edge) => l > edge).length;
      buckets[arm][bucket] = (buckets[arm][bucket] as number) + 1;
      if (random.uniform() < p) {
        failures[arm]++;
        of[arm].errors++;
      }
      if (random.uniform() < q) {
        converted[arm]++;
        of[arm].conversions++;
      }
    }
    ratio.add({ second, weight, ...units });
    errors.add({ second, weight, ...failures });
    conversions.add({ second, weight, ...converted });
    distribution.add({ second, weight, ...buckets });
    tail.add({ second, weight, control: buckets.control[3] as number, candidate: buckets.candidate[3] as number });
    const events = (count: 'errors' | 'conversions') => ({
      control: { units: of.control.units, events: of.control[count] },
      candidate: { units: of.candidate.units, events: of.candidate[count] },
    });
    const isDue = second - since + 1 >= DWELL;
    const { verdict, reasons, numbers } = judge({
      alpha: 0.05,
      startSecond: 0,
      nowSecond: second,
      plannedSeconds: planned,
      crossedUnits: 0,
      exposures: ratio,
      step: {
        index: step,
        weight,
        activeSeconds: second - since + 1,
        dwellSeconds: DWELL,
        until: {},
        lastComparison: step === STEPS.length - 2,
        // Each step asks for a verdict, so that the cost of holding in every step is measured as well.
        promotes: true,
        totals: {
          control: { requests: of.control.units, units: of.control.units },
          candidate: { requests: of.candidate.units, units: of.candidate.units },
        },
      },
      guardrails: [
        {
          kind: 'proportion',
          metric: 'error_rate',
          source: 'error',
          direction: 'lower',
          margin: LIMITS.errors,
          cells: errors,
          step: events('errors'),
        },
        {
          kind: 'quantile',
          metric: 'latency',
          margin: LIMITS.latency,
          masses: MASSES,
          cells: { distribution, tail },
          sla: [],
          // Before the dwell is over its figures decide nothing.
          ...(isDue
            ? {
                quantiles: { control: of.control.latencies.quantiles(), candidate: of.candidate.latencies.quantiles() },
              }
            : {}),
        },
        {
          kind: 'proportion',
          metric: 'conversion',
          source: 'outcome',
          direction: 'higher',
          margin: LIMITS.conversions,
          cells: conversions,
          step: events('conversions'),
        },
      ],
    });
    if (verdict === 'rollBack') return { verdict: 'rolledBack', second, waited };
    if (verdict === 'hold') {
      if (!reasons.every((r) => r.startsWith('limit_broken:'))) continue;
      const broken = numbers.guardrails.filter((g) => reasons.includes(`limit_broken:${g.metric}`));
      if (broken.some((g) => counts(g, step === STEPS.length - 2))) {
        waited++;
        continue;
      }
    }
    if (step === STEPS.length - 1) return { verdict: 'promoted', second: second + 1, waited };
    step++;
    since = second + 1;
    of = { control: tally(), candidate: tally() };
  }
  return { verdict: 'held', second: LONGEST, waited };
}

export type LimitRow = {
  world: string;
  perMinute: number;
  comparing: Comparing;
  runs: number;
  seed: number;
  rolledBack: number;
  promoted: number;
  held: number;
  /** Share of the runs that waited only for a figure at any time, and the median and 90 % quantile of their seconds. */
  waited: number;
  waitedSeconds: { median: number | null; p90: number | null };
};

export function limitRow(name: string, perMinute: number, comparing: Comparing, runs: number, seed: number): LimitRow {
  const world = limitWorlds.find((w) => w.name === name);
  if (!world) throw new Error(`there is no world "${name}"`);
  const played = Array.from({ length: runs }, (_, run) =>
    playLimits(world, perMinute, COUNTS[comparing], seed * 1_000_003 + run),
  );
  const share = (of: (p: Limited) => boolean) => played.filter(of).length / runs;
  const seconds = played
    .map((p) => p.waited)
    .filter((s) => s > 0)
    .sort((a, b) => a - b);
  const at = (q: number) => seconds[Math.min(seconds.length - 1, Math.floor(q * seconds.length))] ?? null;
  return {
    world: name,
    perMinute,
    comparing,
    runs,
    seed,
    rolledBack: share((p) => p.verdict === 'rolledBack'),
    promoted: share((p) => p.verdict === 'promoted'),
    held: share((p) => p.verdict === 'held'),
    waited: share((p) => p.waited > 0),
    waitedSeconds: { median: at(0.5), p90: at(0.9) },
  };
}

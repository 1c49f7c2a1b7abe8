import { normalCdf } from '@slipway/stats';
import { Random } from './random.ts';
import type { Line, Meta, Run } from './stream.ts';

/** How one arm behaves at a second; `load` moves both arms. */
type Behaviour = { error: number; slower: number; conversion: number };
export type Scenario = {
  name: string;
  kind: 'good' | 'bad' /** Units per erring unit's failures. */;
  clustered?: boolean /** The candidate's share of units over what it should be. */;
  ratio?: number;
  at: (arm: 'control' | 'candidate', t: number, base: number) => Partial<Behaviour>;
};

const CONVERSION = 0.1;
const both = (_: string, __: number, base: number) => ({ error: base });
const candidate =
  (change: (base: number, t: number) => Partial<Behaviour>): Scenario['at'] =>
  (arm, t, base) => ({ error: base, ...(arm === 'candidate' ? change(base, t) : {}) });

export const scenarios: readonly Scenario[] = [
  { name: 'identical', kind: 'good', at: both },
  { name: 'identical, errors in few units', kind: 'good', clustered: true, at: both },
  { name: 'shared outage', kind: 'good', at: (_, t, base) => ({ error: t >= 400 && t < 520 ? 0.4 : base }) },
  {
    name: 'shared load wave',
    kind: 'good',
    at: (_, t, base) => ({ error: base, slower: 1 + 0.3 * Math.sin((2 * Math.PI * t) / 900) }),
  },
  { name: 'errors +0.5 pp', kind: 'bad', at: candidate((b) => ({ error: b + 0.005 })) },
  { name: 'errors +1 pp', kind: 'bad', at: candidate((b) => ({ error: b + 0.01 })) },
  { name: 'errors x2', kind: 'bad', at: candidate((b) => ({ error: 2 * b })) },
  { name: 'errors x5', kind: 'bad', at: candidate((b) => ({ error: 5 * b })) },
  { name: 'total failure', kind: 'bad', at: candidate(() => ({ error: 1 })) },
  { name: 'latency x1.1', kind: 'bad', at: candidate(() => ({ slower: 1.1 })) },
  { name: 'latency x1.3', kind: 'bad', at: candidate(() => ({ slower: 1.3 })) },
  { name: 'latency x2', kind: 'bad', at: candidate(() => ({ slower: 2 })) },
  { name: 'conversion -1 pp', kind: 'bad', at: candidate(() => ({ conversion: CONVERSION - 0.01 })) },
  { name: 'conversion -3 pp', kind: 'bad', at: candidate(() => ({ conversion: CONVERSION - 0.03 })) },
  { name: 'onset after 15 min', kind: 'bad', at: candidate((b, t) => (t >= 900 ? { error: b + 0.1 } : {})) },
  { name: 'wrong sample ratio', kind: 'good', ratio: 1.3, at: both },
];

const SIGMA = 0.6;
const MEDIAN = 40;
const z99 = 2.3263478740408408;
const THRESHOLDS = {
  c50: MEDIAN,
  c90: MEDIAN * Math.exp(SIGMA * 1.2815515655446004),
  c99: MEDIAN * Math.exp(SIGMA * z99),
  c500: 500,
};
const DELAYS = [30, 90, 180, 420];
/** Failures of one clustered unit within its second. */
const BURST = 10;

export function meta(scenario: Scenario, volume: number, base: number, run: number): Meta {
  return {
    scenario: scenario.name,
    volume,
    base,
    run,
    steps: [0.05, 0.25, 0.5, 1],
    dwell_s: 600,
    thresholds_ms: { ...THRESHOLDS },
    conv_delays_s: DELAYS,
  };
}

/** Potential outcomes of a whole run, from its seed alone. @param volume requests a minute */
export function world(scenario: Scenario, volume: number, base: number, run: number, seed: number): Run {
  const m = meta(scenario, volume, base, run);
  const random = new Random(
    (seed * 1_000_003 +
      run * 7919 +
      volume * 31 +
      Math.round(base * 1e5) * 17 +
      scenario.name.length * 101 +
      [...scenario.name].reduce((a, c) => (a * 33 + c.charCodeAt(0)) >>> 0, 7)) >>>
      0,
  );
  const last = m.steps.length * m.dwell_s * 1.5;
  const tails = new Map<number, number>();
  /** Share of the latencies above a threshold. */
  const above = (threshold: number, slower: number) => {
    const z = Math.log(threshold / (MEDIAN * slower)) / SIGMA;
    let tail = tails.get(z);
    if (tail === undefined) {
      tail = 1 - normalCdf(z);
      tails.set(z, tail);
    }
    return tail;
  };
  const shares = m.steps.map((w, k) => w - (m.steps[k - 1] ?? 0));
  const seconds: Run['seconds'] = [];
  for (let t = 0; t <= last; t++) {
    const wave = 1 + 0.3 * Math.sin((2 * Math.PI * t) / 1700);
    const cells: Run['seconds'][number] = [];
    shares.forEach((share, stratum) => {
      const mean = (volume / 60) * share * wave;
      const n = random.poisson(mean);
      const line = (arm: 'control' | 'candidate'): Line | undefined => {
        const units = arm === 'candidate' && scenario.ratio ? random.poisson(mean * scenario.ratio) : n;
        if (units === 0) return undefined;
        const { error = base, slower = 1, conversion = CONVERSION } = scenario.at(arm, t, base);
        const erring = random.binomial(units, scenario.clustered ? error / BURST : error);
        const over = (left: number, p: number) => (left > 0 ? random.binomial(left, p) : 0);
        const [a50, a90, a99, a500] = [THRESHOLDS.c50, THRESHOLDS.c90, THRESHOLDS.c99, THRESHOLDS.c500].map((t) =>
          above(t, slower),
        ) as [number, number, number, number];
        const c50 = over(units, a50);
        const c90 = over(c50, a90 / a50);
        const c99 = over(c90, a99 / a90);
        const c500 = over(c99, a500 / a99);
        const conv: Record<string, number> = {};
        for (let left = random.binomial(units, conversion); left > 0; left--) {
          const delay = String(DELAYS[Math.floor(random.uniform() * DELAYS.length)]);
          conv[delay] = (conv[delay] ?? 0) + 1;
        }
        return {
          t,
          stratum,
          arm,
          n: scenario.clustered ? units + erring * (BURST - 1) : units,
          err: scenario.clustered ? erring * BURST : erring,
          units: { n: units, err: erring },
          over: { c50, c90, c99, c500 },
          conv,
        };
      };
      const [control, candidate] = [line('control'), line('candidate')];
      if (control || candidate) cells.push({ stratum, control, candidate });
    });
    seconds[t] = cells;
  }
  return { meta: m, seconds, last };
}

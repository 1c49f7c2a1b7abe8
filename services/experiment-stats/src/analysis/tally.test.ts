import { CANDIDATE } from '@slipway/core';
import { type Metric, metricSchema, builtInMetrics, type Rollout, rolloutSpecSchema } from '@slipway/release';
import { judge } from '@slipway/stats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AsOf } from '../look/as-of.ts';
import { latencyBuckets } from '../metrics/quantile/latency-buckets.ts';
import type { Exposure, Posted, UnitRows } from '../units/exposure.ts';
import { Tally } from './tally.ts';

const WINDOW_MS = 4000;
const outcome = (name: string, change: object): Metric =>
  metricSchema.parse({ name, kind: 'proportion', source: { outcome: 'bought' }, window: `${WINDOW_MS}ms`, ...change });
const metrics = [
  ...builtInMetrics,
  outcome('exposed', { per: 'exposed', direction: 'higher' }),
  outcome('complained', { per: 'exposed', direction: 'lower' }),
  outcome('observed', { per: 'observed', direction: 'higher' }),
  outcome('misfiled', {
    source: { outcome: 'label', compare: { differs_from: 'class' } },
    per: 'observed',
    direction: 'lower',
  }),
];
const rollout = {
  metrics,
  step: 1,
  spec: rolloutSpecSchema.parse({
    endpoint: 'spam',
    candidate: { model: 'spam', version: 2 },
    unit: 'user',
    steps: [{ canary: { weight: 0.25 } }, { canary: { weight: 0.5 } }],
    guardrails: [
      { metric: 'error_rate' },
      { metric: 'latency', maxRatio: 1.2 },
      ...['exposed', 'complained', 'observed', 'misfiled'].map((metric) => ({ metric })),
    ],
  }),
} as unknown as Rollout;
const baseline = latencyBuckets(Array.from({ length: 1000 }, (_, i) => i * 10));

/** What is known of some units, in the order in which it arrived: a unit's arm follows from its name. */
const history = fc
  .array(
    fc.record({
      unit: fc.nat(5),
      id: fc.nat(60),
      wait: fc.nat(9000),
      kind: fc.constantFrom('exposure', 'exposure', 'exposure', 'bought', 'label'),
      share: fc.constantFrom(0.25, 0.5),
      swapped: fc.nat(40),
      settles: fc.integer({ min: -3000, max: 5000 }),
      failed: fc.nat(4),
      ejected: fc.nat(9),
      latencyUs: fc.nat(12_000),
      partition: fc.nat(2),
      byRequest: fc.boolean(),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((drawn) => {
    let arrived = 1_700_000_000_000;
    const offsets = [0, 0, 0];
    return drawn.map((d) => {
      arrived += d.wait;
      const arm = d.unit < 3 !== (d.swapped === 0) || d.share > 0.3 ? ('candidate' as const) : ('control' as const);
      const at = { partition: d.partition, offset: (offsets[d.partition] as number)++, arrived, time: arrived };
      return { ...d, ...at, arm };
    });
  });
type Drawn = typeof history extends fc.Arbitrary<(infer R)[]> ? R : never;

function unitRows(drawn: readonly Drawn[]): Map<number, UnitRows> {
  const found = new Map<number, { exposures: Exposure[]; posted: Map<string, Posted[]> }>();
  for (const d of drawn) {
    const unit = found.get(d.unit) ?? { exposures: [], posted: new Map<string, Posted[]>() };
    found.set(d.unit, unit);
    const { partition, offset, arrived, time } = d;
    const at = { partition, offset, arrived, time, id: `${d.kind} ${d.unit} ${d.id}` };
    if (d.kind === 'exposure')
      unit.exposures.push({
        ...at,
        requestId: `r${d.id % 7}`,
        step: d.share > 0.3 ? 1 : 0,
        assigned: d.arm,
        probability: d.arm === 'candidate' ? d.share : 1 - d.share,
        settled: (arrived + (d.id % 4 === 0 ? d.settles : 0)) * 1000,
        latencyUs: d.latencyUs,
        failed: d.failed === 0,
        nobody: false,
        ejected: d.ejected === 0,
        outputs: { class: { text: `${d.id % 2}`, number: d.id % 2, list: false } },
      });
    else
      unit.posted.set(d.kind, [
        ...(unit.posted.get(d.kind) ?? []),
        { ...at, requestId: d.byRequest ? `r${d.id % 7}` : null, value: '1', parsed: 1, number: d.id % 2 },
      ]);
  }
  return found;
}

const asOfAll = (seen: readonly Drawn[], closed: number): AsOf => {
  const offsets: Record<string, number> = {};
  for (const { partition, offset } of seen) offsets[partition] = Math.max(offsets[partition] ?? 0, offset + 1);
  return { predictions: offsets, outcomes: offsets, baseline: {}, closed, resumed: 0 };
};

const told = (tally: Tally) => {
  const arm = tally.arm(CANDIDATE);
  const guardrails = arm.guardrails(1);
  return {
    cells: guardrails.map(({ cells }) => cells),
    judged: judge({
      ...{ alpha: 0.05, startSecond: 1_700_000_000, nowSecond: 1_700_001_000, plannedSeconds: 600, crossedUnits: 0 },
      step: { index: 1, weight: 0.5, activeSeconds: 1, dwellSeconds: 0, until: {}, totals: arm.exposures.totals(1) },
      guardrails,
      exposures: arm.exposures.cells.list,
      exposuresCarry: arm.exposures.cells.carry,
    }),
    exposures: arm.exposures.cells.list,
    totals: arm.exposures.totals(1),
    times: arm.arrivals.times(1, 0),
    out: arm.arrivals.outOfService(1, 0),
  };
};

describe('what is carried from look to look', () => {
  it('equals the result of one look at everything, wherever the earlier looks fell', () => {
    fc.assert(
      fc.property(history, fc.array(fc.nat(60), { maxLength: 6 }), fc.nat(6000), (drawn, cuts, behind) => {
        const units = unitRows(drawn);
        const carried = new Tally(rollout, baseline);
        let before: AsOf | undefined;
        for (const cut of [...cuts.sort((a, b) => a - b), drawn.length]) {
          const seen = drawn.slice(0, cut);
          const asOf = asOfAll(seen, (seen.at(-1)?.arrived ?? 0) - behind);
          for (const rows of units.values()) carried.update(rows, before, asOf);
          const whole = new Tally(rollout, baseline);
          for (const rows of units.values()) whole.update(rows, undefined, asOf);
          expect(told(carried)).toEqual(told(whole));
          before = asOf;
        }
      }),
      { numRuns: 50 },
    );
  });

  it('takes another baseline while none can be cut, and no other', () => {
    const tally = new Tally(rollout, { edges: null, answers: 3 });
    expect(tally.rebase({ edges: null, answers: 4 })).toBe(true);
    expect(tally.arm(CANDIDATE).guardrails(1)[1]).toMatchObject({ baseline: { answers: 4 } });
    expect(tally.rebase(baseline)).toBe(false);
  });
});

import { type Carry, carriedOr } from '../e-process/carry.ts';
import { CountEvidence, WORSE_WHEN_MORE } from '../e-process/counts.ts';
import { type LatencyCell, LatencyEvidence } from '../e-process/latency.ts';
import type { RunningEvidence } from '../e-process/mixture.ts';
import { type Exclusion, exclusion, MISSED } from './harm.ts';
import type { Declared, GuardrailKind } from './kind.ts';
import { allowed, ms } from './wording.ts';

/** Answers of one arm, and their quantiles, microseconds. */
export type LatencyQuantiles = { answers: number; p50: number; p90: number; p99: number };

export type QuantileFigures = {
  /** What both arms show in the present step. */
  quantiles?: { control: LatencyQuantiles | null; candidate: LatencyQuantiles | null } | undefined;
  /** While there are too few to cut buckets by: how many answers of the control there are, and how many it takes. */
  baseline?: { answers: number; needed: number } | undefined;
};

export type QuantileGuardrail = Declared &
  QuantileFigures & {
    kind: 'quantile';
    /** The control's bucket shares; `null` while it has too few answers to cut buckets: nothing advances then. */
    masses: readonly number[] | null;
    cells: readonly LatencyCell[] | { distribution: LatencyEvidence; tail: RunningEvidence };
    /** What is carried from look to look of the evidence of the cells. */
    carry?: LatencyCarry | undefined;
    /**
     * The slow-down that must be excluded before the last comparison ends, in normal scores (`latencyShift`); `null`
     * where there is nothing to measure it by.
     */
    harm?: number | null | undefined;
    /** Quantiles of the candidate in the present step with their limits, microseconds. */
    sla: { quantile: string; limitUs: number; actualUs: number | null }[];
  };

/** Fewest answers of each arm from which a quantile is worth comparing: 50 of them lie beyond it. */
const POINT_ANSWERS = { p50: 100, p90: 500, p99: 5000 } as const;
const QUANTILES = ['p50', 'p90', 'p99'] as const;
const EACH = {
  figures: QUANTILES,
  tooFew: (left: readonly string[]) => `too few answers to compare ${left.join(', ')}`,
  named: true,
};
const UNKNOWN: Exclusion = { harm: null, e: null, excluded: false, seconds: null };

/** The evidence of cells: of the whole distribution, and of what is slower than the control's p99. */
export class BothEvidence {
  readonly distribution: LatencyEvidence;
  readonly tail: CountEvidence;
  constructor(distribution: LatencyEvidence, tail: CountEvidence) {
    this.distribution = distribution;
    this.tail = tail;
  }

  add(cell: LatencyCell): void {
    const { second, weight, control, candidate } = cell;
    const last = control.length - 1;
    this.distribution.add(cell);
    this.tail.add({ second, weight, control: control[last] as number, candidate: candidate[last] as number });
  }

  copy(): BothEvidence {
    return new BothEvidence(this.distribution.copy(), this.tail.copy());
  }
}
export type LatencyCarry = Carry<LatencyCell, BothEvidence>;

/** How long answers take, judged as a distribution: a limit is one on every quantile. */
export const quantile: GuardrailKind<QuantileGuardrail, QuantileFigures> = {
  inForce: (g) => g.masses !== null,
  stake: () => 'latency',

  evidence({ masses, cells, carry, harm }, { startSecond, plannedSeconds, nowSecond, step, missed = MISSED }) {
    if (!masses) return { e: 1, ...(harm === undefined ? {} : { harm: UNKNOWN }) };
    const { distribution, tail } =
      'distribution' in cells
        ? cells
        : carriedOr(
            carry,
            cells,
            `${masses.join(' ')} ${startSecond} ${plannedSeconds}`,
            () =>
              new BothEvidence(
                new LatencyEvidence(masses, startSecond, plannedSeconds),
                new CountEvidence(1, WORSE_WHEN_MORE, startSecond, plannedSeconds),
              ),
          );
    const e = (distribution.valueAt(nowSecond) + tail.valueAt(nowSecond)) / 2;
    if (harm === undefined) return { e };
    if (harm === null) return { e, harm: UNKNOWN };
    const { control, candidate } = step.totals;
    const perSecond = (control.requests + candidate.requests) / Math.max(1, step.activeSeconds);
    const ratio = distribution.likelihoodRatio(harm);
    return { e, harm: exclusion(harm, ratio, missed, distribution.decay(harm, step.weight), perSecond) };
  },

  // No share is the worst for all of its buckets.
  leastFavourable: () => 1,

  figures: ({ quantiles, baseline, masses }) => ({
    ...(quantiles ? { quantiles } : {}),
    ...(masses === null && baseline ? { baseline } : {}),
  }),

  compare({ quantiles, margin }) {
    const { control, candidate } = quantiles ?? {};
    if (!control || !candidate) return { compared: [], beyond: [] };
    const answers = Math.min(control.answers, candidate.answers);
    const compared = QUANTILES.filter((q) => answers >= POINT_ANSWERS[q]);
    return { compared, beyond: compared.filter((q) => candidate[q] > margin * control[q]) };
  },

  missing: ({ metric, masses, sla }, { weight }) => [
    ...(masses === null && weight < 1 ? [`no_baseline:${metric}`] : []),
    ...sla
      .filter((s) => s.actualUs !== null && s.actualUs > s.limitUs)
      .map((s) => `sla_exceeded:${metric}.${s.quantile}`),
  ],

  versus(n) {
    const { candidate, control } = n.quantiles ?? {};
    if (!candidate || !control) return `${n.metric} (not yet answers of both arms in this step)`;
    const pairs = QUANTILES.map((q) => `${q} ${ms(candidate[q])} against ${ms(control[q])}`);
    return `${n.metric} ${pairs.join(', ')}${allowed(n, 'lower', EACH)}`;
  },
  reasons: {
    no_baseline({ metric, baseline }) {
      const { answers = 0, needed = 0 } = baseline ?? {};
      const has = `the control has ${answers} of the ${needed} answers that its baseline needs`;
      return `${metric} cannot be judged yet: ${has} (${Math.max(0, needed - answers)} are missing)`;
    },
    sla_exceeded: (_, __, subject) => `${subject} is above its longest allowed latency (sla)`,
  },
  untilExcluded({ harm: found }) {
    if (!found || found.e === null || found.e === 1)
      return ' (the control has too few answers, or too similar ones, to measure it)';
    const left = found.seconds === null ? '' : `, about ${Math.ceil(found.seconds)} s at the present rate`;
    const size = (found.harm ?? 0).toFixed(2);
    return ` (${size} normal scores slower: likelihood ratio ${found.e.toPrecision(2)}${left})`;
  },
};

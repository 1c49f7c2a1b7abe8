import {
  CountEvidence,
  judge,
  type Judgement,
  LatencyEvidence,
  SAMPLE_RATIOS,
  WORSE_WHEN_FEWER,
  WORSE_WHEN_MORE,
} from '@slipway/stats';

export type Arm = 'control' | 'candidate';
/** Shares of the control's requests between its own p50, p90 and p99. */
const MASSES = [0.5, 0.4, 0.09, 0.01];

const none = { units: 0, events: 0, requests: 0 };
/** What a guardrail counts in a step in which only the evidence is played. */
export const NOTHING = { control: none, candidate: none };
/** Such a step never ends by itself, whatever the evidence is. */
export const STEP = { index: 0, weight: 0.5, activeSeconds: 0, dwellSeconds: 1, until: {}, totals: NOTHING };

type Counted = 'exposures' | 'errors' | 'conversions' | 'complaints';

/** Of one second and one candidate share. */
class Cell {
  readonly exposures = { control: 0, candidate: 0 };
  readonly errors = { control: 0, candidate: 0 };
  readonly conversions = { control: 0, candidate: 0 };
  readonly complaints = { control: 0, candidate: 0 };
  readonly buckets: Record<Arm, number[]>;
  constructor(buckets: number) {
    const none = () => new Array<number>(buckets).fill(0);
    this.buckets = { control: none(), candidate: none() };
  }
}

/** The evidence of one rollout as the analyser counts it, fed unit by unit and closed each second. */
export class Evidence {
  readonly ratio: CountEvidence;
  private readonly errors: CountEvidence;
  private readonly conversions: CountEvidence;
  private readonly distribution: LatencyEvidence;
  private readonly tail: CountEvidence;
  private readonly complaints: CountEvidence | undefined;
  private readonly masses: readonly number[];
  private readonly planned: number;
  private readonly margin: number;
  private cells = new Map<number, Cell>();
  /** Largest sample-ratio e-value so far. */
  alarm = 0;

  /** @param complaints whether bad outcomes are a guardrail, too */
  constructor(margin: number, planned: number, masses: readonly number[] = MASSES, complaints = false) {
    this.margin = margin;
    this.masses = masses;
    if (complaints) this.complaints = new CountEvidence(1, WORSE_WHEN_MORE, 0, planned);
    this.planned = planned;
    this.errors = new CountEvidence(margin, WORSE_WHEN_MORE, 0, planned);
    this.conversions = new CountEvidence(1, WORSE_WHEN_FEWER, 0, planned);
    this.distribution = new LatencyEvidence(masses, 0, planned);
    this.tail = new CountEvidence(1, WORSE_WHEN_MORE, 0, planned);
    this.ratio = new CountEvidence(1, SAMPLE_RATIOS, 0, planned);
  }

  /** @param chance the candidate share to judge it with; `undefined` where it does not count */
  add(chance: number | undefined, arm: Arm, what: Counted | number): void {
    if (chance === undefined || chance <= 0 || chance >= 1) return;
    let cell = this.cells.get(chance);
    if (!cell) {
      cell = new Cell(this.masses.length);
      this.cells.set(chance, cell);
    }
    if (typeof what === 'number') {
      const buckets = cell.buckets[arm];
      buckets[what] = (buckets[what] as number) + 1;
    } else cell[what][arm]++;
  }

  /** Closes the second and judges. */
  close(second: number): Judgement {
    for (const [weight, cell] of [...this.cells].sort(([a], [b]) => a - b)) {
      this.ratio.add({ second, weight, ...cell.exposures });
      this.errors.add({ second, weight, ...cell.errors });
      this.conversions.add({ second, weight, ...cell.conversions });
      this.complaints?.add({ second, weight, ...cell.complaints });
      const { control, candidate } = cell.buckets;
      this.tail.add({ second, weight, control: control.at(-1) as number, candidate: candidate.at(-1) as number });
      this.distribution.add({ second, weight, control, candidate });
    }
    this.cells = new Map();
    this.alarm = Math.max(this.alarm, this.ratio.valueAt(second));
    return judge({
      alpha: 0.05,
      startSecond: 0,
      nowSecond: second,
      plannedSeconds: this.planned,
      crossedUnits: 0,
      exposures: this.ratio,
      step: STEP,
      guardrails: [
        {
          kind: 'proportion',
          metric: 'error_rate',
          source: 'error',
          direction: 'lower',
          margin: this.margin,
          cells: this.errors,
          step: NOTHING,
        },
        {
          kind: 'quantile',
          metric: 'latency',
          margin: 1,
          masses: this.masses,
          cells: { distribution: this.distribution, tail: this.tail },
          sla: [],
        },
        {
          kind: 'proportion',
          metric: 'conversion',
          source: 'outcome',
          direction: 'higher',
          margin: 1,
          cells: this.conversions,
          step: NOTHING,
        },
        ...(this.complaints
          ? [
              {
                kind: 'proportion' as const,
                metric: 'complaint',
                source: 'outcome' as const,
                direction: 'lower' as const,
                margin: 1,
                cells: this.complaints,
                step: NOTHING,
              },
            ]
          : []),
      ],
    });
  }
}

/** Bucket of a latency by its normal score. */
export const bucketOf = (z: number): number =>
  z <= 0 ? 0 : z <= 1.2815515655446004 ? 1 : z <= 2.3263478740408408 ? 2 : 3;

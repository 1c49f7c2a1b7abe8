import {
  type ArmInput,
  CountEvidence,
  judgeArms,
  SAMPLE_RATIOS,
  WORSE_WHEN_FEWER,
  WORSE_WHEN_MORE,
} from '@slipway/stats';
import { Random } from './random.ts';

/** Of each second, and for how long an experiment goes on that nothing has ended. */
const UNITS = 60;
const SECONDS = 900;
const DWELL = 60;
const UNTIL = { units: 500 };

/** What the units of an arm do: the chance that one fails, and that one is kept (the goal). */
type Habit = { fails: number; kept: number };
const USUAL: Habit = { fails: 0.03, kept: 0.3 };

/** `harmful`: the first candidate fails three times as often. `better`: the first one keeps a third more. */
export const armKinds = { identical: USUAL, harmful: { ...USUAL, fails: 0.09 }, better: { ...USUAL, kept: 0.4 } };
export type ArmKind = keyof typeof armKinds;

class Candidate {
  readonly arm: string;
  readonly habit: Habit;
  readonly counts = { units: 0, failed: 0, kept: 0 };
  readonly second = { units: 0, failed: 0, kept: 0 };
  readonly failures = new CountEvidence(1.25, WORSE_WHEN_MORE, 0, SECONDS);
  readonly goal = new CountEvidence(1, WORSE_WHEN_FEWER, 0, SECONDS);
  readonly ratio = new CountEvidence(1, SAMPLE_RATIOS, 0, SECONDS);
  constructor(arm: string, habit: Habit) {
    this.arm = arm;
    this.habit = habit;
  }

  meet(random: Random): void {
    const seen = [1, Number(random.uniform() < this.habit.fails), Number(random.uniform() < this.habit.kept)] as const;
    for (const into of [this.counts, this.second]) {
      into.units += seen[0];
      into.failed += seen[1];
      into.kept += seen[2];
    }
  }

  forgetSecond(): void {
    Object.assign(this.second, { units: 0, failed: 0, kept: 0 });
  }
}

/** How one experiment ended: who was withdrawn, and who won (`''`: nobody, or the rollout was rolled back). */
export type PlayedArms = { withdrawn: string[]; winner: string; several: boolean; second: number };

/**
 * One experiment of `candidates` arms beside control, with equal parts, every unit met once; what the judge says is
 * obeyed each second: an arm that harms is withdrawn, and the experiment ends with a winner, or where several are
 * better.
 */
export function playArms(candidates: number, kind: ArmKind, seed: number): PlayedArms {
  const random = new Random(seed);
  const control = new Candidate('control', USUAL);
  const all = Array.from({ length: candidates }, (_, i) => new Candidate(`c${i}`, i === 0 ? armKinds[kind] : USUAL));
  let left = all;
  const withdrawn: string[] = [];
  for (let second = 0; second < SECONDS; second++) {
    for (let n = random.poisson(UNITS); n > 0; n--) {
      const arm = Math.floor(random.uniform() * (candidates + 1));
      // One that was withdrawn keeps its place: control answers there, which is no exposure.
      const met = arm === 0 ? control : left.find((c) => c.arm === `c${arm - 1}`);
      met?.meet(random);
    }
    for (const c of left) {
      const add = (to: CountEvidence, what: 'units' | 'failed' | 'kept') =>
        to.add({ second, weight: 0.5, control: control.second[what], candidate: c.second[what] });
      add(c.ratio, 'units');
      add(c.failures, 'failed');
      add(c.goal, 'kept');
    }
    for (const c of [control, ...left]) c.forgetSecond();
    const { verdict, reasons, arms } = judgeArms({
      ...{ alpha: 0.05, candidates },
      arms: left.map((c) => inputOf(c, control, second)),
    });
    const named = (said: string) => arms.filter((a) => a.verdict === said).map((a) => a.arm);
    const ended = { withdrawn, winner: '', several: false, second };
    if (verdict === 'rollBack') return { ...ended, withdrawn: [...withdrawn, ...named('rollBack')] };
    if (verdict === 'advance') return { ...ended, winner: named('advance')[0] ?? '' };
    if (reasons[0] === 'several_arms_better') return { ...ended, several: true };
    withdrawn.push(...named('rollBack'));
    left = left.filter((c) => !withdrawn.includes(c.arm));
  }
  return { withdrawn, winner: '', several: false, second: SECONDS };
}

function inputOf(c: Candidate, control: Candidate, second: number): ArmInput {
  const of = (what: 'failed' | 'kept') => ({
    control: { units: control.counts.units, events: control.counts[what] },
    candidate: { units: c.counts.units, events: c.counts[what] },
  });
  const totals = ({ counts: { units } }: Candidate) => ({ requests: units, units });
  return {
    arm: c.arm,
    ...{ startSecond: 0, nowSecond: second, plannedSeconds: SECONDS, crossedUnits: 0, exposures: c.ratio },
    step: {
      ...{ index: 0, weight: 0.5, activeSeconds: second, dwellSeconds: DWELL, until: UNTIL },
      ...{ lastComparison: true, promotes: true, totals: { control: totals(control), candidate: totals(c) } },
    },
    guardrails: [
      {
        ...{ kind: 'proportion', metric: 'error_rate', source: 'error', direction: 'lower', margin: 1.25 },
        ...{ cells: c.failures, step: of('failed') },
      },
      {
        ...{ kind: 'proportion', metric: 'kept', source: 'outcome', direction: 'higher', margin: 1, role: 'goal' },
        ...{ cells: c.goal, step: of('kept') },
      },
    ],
  };
}

export type ArmsRow = {
  candidates: number;
  kind: ArmKind;
  runs: number;
  seed: number;
  /** Shares of the runs: a harmless arm was withdrawn; the harmful one was. */
  wronglyWithdrawn: number;
  withdrawn: number;
  /** An arm that is no better than control was named, alone or among several; the better one was named alone. */
  wronglyNamed: number;
  named: number;
  several: number;
  medianSeconds: number;
};

export function armsRow(candidates: number, kind: ArmKind, runs: number, seed: number): ArmsRow {
  const played = Array.from({ length: runs }, (_, run) => playArms(candidates, kind, seed * 1_000_003 + run));
  const share = (of: (p: PlayedArms) => boolean) => played.filter(of).length / runs;
  const isFirst = (arm: string) => arm === 'c0';
  const seconds = played.map((p) => p.second).sort((a, b) => a - b);
  return {
    ...{ candidates, kind, runs, seed },
    wronglyWithdrawn: share((p) => p.withdrawn.some((arm) => kind !== 'harmful' || !isFirst(arm))),
    withdrawn: share((p) => kind === 'harmful' && p.withdrawn.some(isFirst)),
    wronglyNamed: share((p) => p.several || (p.winner !== '' && !(kind === 'better' && isFirst(p.winner)))),
    named: share((p) => kind === 'better' && isFirst(p.winner)),
    several: share((p) => p.several),
    medianSeconds: seconds[Math.floor(seconds.length / 2)] as number,
  };
}

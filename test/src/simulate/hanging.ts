import type { Target } from '@slipway/contracts';
import { type CountCell, judge } from '@slipway/stats';
import { targetKey } from '@slipway/routing';
import { type Arm, NOTHING, STEP } from './evidence.ts';
import { EjectingRouter } from './ejecting-router.ts';
import { Random } from './random.ts';
import { candidate, control } from './targets.ts';

/** Shares of the attempts at either version that hang until they are given up, and that fail at once. */
type World = { name: string; hangs: (t: number) => number; fails: (t: number) => number };
const never = () => 0;
const during = (seconds: number, p: number) => (t: number) => (t % DWELL >= 60 && t % DWELL < 60 + seconds ? p : 0);
const STEPS = [0.05, 0.25, 0.5];
const DWELL = 120;
const MARGIN = 1.25;
/** Deadline of a request in seconds, and how long a candidate is given. */
const TIMEOUT = 10;
const CANDIDATES = 0.6 * TIMEOUT;

export const hangingWorlds: readonly World[] = [
  { name: 'identical, 1 % of attempts hang', hangs: () => 0.01, fails: never },
  { name: 'identical, 5 % of attempts hang', hangs: () => 0.05, fails: () => 0.01 },
  { name: 'half of the attempts hang for 20 s', hangs: during(20, 0.5), fails: never },
  { name: 'of the attempts half fail, half hang, for 20 s', hangs: during(20, 0.5), fails: during(20, 0.5) },
];

/** In which second a failed request counts: when its row arrives, or when it would have been known for both arms. */
export type Telling = 'settled' | 'arrival';

type Row = { arm: Arm; share: number; arrives: number; counts: number };

/**
 * One rollout of an identical candidate whose requests may hang, judged by its errors alone: every request from another
 * unit, a look each second, on the rows that have arrived. A hanging candidate is given up after three fifths of the
 * deadline, and control is asked; a hanging control is given up at the deadline.
 *
 * @returns the second of the rollback
 */
function playHanging(world: World, perSecond: number, telling: Telling, seed: number): number | undefined {
  const random = new Random(seed);
  let now = 0;
  const router = new EjectingRouter(() => now * 1000);
  const planned = STEPS.length * DWELL;
  const rows: Row[] = [];
  /** What happens later, by when: each list is in order. */
  const due: { at: number; run: () => void }[][] = [[], []];
  const later = (list: 0 | 1, at: number, run: () => void) => due[list]?.push({ at, run });
  const until = (t: number) => {
    for (;;) {
      const next = due.filter((l) => l.length > 0).sort((a, b) => (a[0]?.at ?? 0) - (b[0]?.at ?? 0))[0];
      if (!next?.[0] || next[0].at > t) break;
      now = next[0].at;
      next.shift()?.run();
    }
    now = t;
  };
  const meets = () => {
    const u = random.uniform();
    return u < world.hangs(now) ? 'hangs' : u < world.hangs(now) + world.fails(now) ? 'fails' : 'answers';
  };
  const told = (target: Target, ok: boolean) => {
    const key = targetKey(target, target.addresses[0] as string);
    if (ok) router.succeeded(key);
    else router.failed(key, false);
  };
  for (let t = 0; t < planned + TIMEOUT; t++) {
    const share = STEPS[Math.min(Math.floor(t / DWELL), STEPS.length - 1)] as number;
    const n = t < planned ? random.poisson(perSecond) : 0;
    for (let i = 0; i < n; i++) {
      until(t + i / n);
      const started = now;
      const arm: Arm = random.uniform() < share ? 'candidate' : 'control';
      const askControl = (row: Omit<Row, 'arrives'> | undefined) => {
        router.order(control, true, candidate);
        const met = meets();
        const isOwn = arm === 'control' && !router.isOut(candidate, control);
        const end = (counts: number) => {
          told(control, met === 'answers');
          if (row) rows.push({ ...row, arrives: now });
          else if (isOwn && met !== 'answers') rows.push({ arm, share, arrives: now, counts });
        };
        if (met === 'hangs') later(1, started + TIMEOUT, () => end(started + TIMEOUT));
        else end(started);
      };
      if (arm === 'control' || router.order(candidate, false, control).length === 0) askControl(undefined);
      else {
        const met = meets();
        if (met === 'answers') told(candidate, true);
        else {
          const row = { arm, share, counts: started + (met === 'hangs' ? TIMEOUT : 0) };
          const fallBack = () => {
            told(candidate, false);
            askControl(row);
          };
          if (met === 'hangs') later(0, started + CANDIDATES, fallBack);
          else fallBack();
        }
      }
    }
    until(t + 1);
    const cells = new Map<string, CountCell>();
    for (const row of rows) {
      const second = Math.floor(telling === 'settled' ? row.counts : row.arrives);
      if (second > t || row.arrives > now) continue;
      const key = `${second} ${row.share}`;
      const cell = cells.get(key) ?? { second, weight: row.share, control: 0, candidate: 0 };
      cell[row.arm]++;
      cells.set(key, cell);
    }
    const { verdict } = judge({
      alpha: 0.05,
      startSecond: 0,
      nowSecond: t,
      plannedSeconds: planned,
      crossedUnits: 0,
      exposures: [],
      step: STEP,
      guardrails: [
        {
          kind: 'proportion',
          metric: 'error_rate',
          source: 'error',
          direction: 'lower',
          margin: MARGIN,
          cells: [...cells.values()].sort((a, b) => a.second - b.second || a.weight - b.weight),
          step: NOTHING,
        },
      ],
    });
    if (verdict === 'rollBack') return t;
  }
  return undefined;
}

export type HangingRow = {
  world: string;
  perSecond: number;
  telling: Telling;
  runs: number;
  seed: number;
  rolledBack: number;
};

export function hangingRow(name: string, perSecond: number, telling: Telling, runs: number, seed: number): HangingRow {
  const world = hangingWorlds.find((w) => w.name === name);
  if (!world) throw new Error(`there is no world "${name}"`);
  const back = Array.from({ length: runs }, (_, run) =>
    playHanging(world, perSecond, telling, seed * 1_000_003 + run),
  ).filter((second) => second !== undefined);
  return { world: name, perSecond, telling, runs, seed, rolledBack: back.length / runs };
}

import { type Counting, ejectionRow, worlds } from './ejection.ts';
import { hangingRow, hangingWorlds, type Telling } from './hanging.ts';
import { type Comparing, limitRow, limitWorlds } from './limits.ts';
import { ladders, returningRow } from './returning.ts';
import { type Clock, type Rule, wholeRow } from './whole.ts';

const percent = (x: number) => `${(100 * x).toFixed(1)} %`.padStart(9);
const seconds = (x: number | null) => (x === null ? '-' : `${x} s`).padStart(8);

type Options = { runs: number; seed: number; json: boolean; only: string | undefined };
const chosen = (names: string[], only: string | undefined) => names.filter((name) => !only || name.includes(only));

/** `npm run simulate -- --returning`: users who come back, over ladders of shares; line by line, as they are played. */
export function* returningTable({ runs, seed, json, only }: Options): Generator<string> {
  if (!json)
    yield `${'ladder (shares in %)'.padEnd(34)}${'users'.padStart(7)}  ${'kind'.padEnd(10)}${'rolled back'.padStart(12)}${'alarms'.padStart(9)}${'after'.padStart(8)}   as fresh draws: rolled back, alarms`;
  for (const kind of ['identical', 'broken'] as const)
    for (const users of [300, 3000])
      for (const ladder of chosen(Object.keys(ladders), only)) {
        const row = returningRow(ladder, users, kind, kind === 'identical' ? runs : Math.ceil(runs / 8), seed);
        yield json
          ? JSON.stringify(row)
          : `${ladder.padEnd(34)}${String(users).padStart(7)}  ${kind.padEnd(10)}   ${percent(row.rolledBack)}${percent(row.alarms)}${seconds(row.medianSeconds)}   ${percent(row.fresh.rolledBack)}${percent(row.fresh.alarms)}`;
      }
  if (!json) yield `\n${runs} runs a cell, an eighth of them where it is broken; seed ${seed}`;
}

/** `npm run simulate -- --ejection`: the router's own ejection, requests a second and what each ejected one counts as. */
export function* ejectionTable({ runs, seed, json, only }: Options): Generator<string> {
  if (!json)
    yield `${'world'.padEnd(54)}${'a second'.padStart(9)}  ${'ejected is'.padEnd(12)}${'rolled back'.padStart(12)}${'after'.padStart(8)}${'out > 60 s'.padStart(12)}`;
  for (const counting of ['no event', 'as failures'] satisfies Counting[])
    for (const perSecond of [33, 333])
      for (const world of chosen(
        worlds.map((w) => w.name),
        only,
      )) {
        const row = ejectionRow(world, perSecond, counting, counting === 'no event' ? runs : Math.ceil(runs / 8), seed);
        yield json
          ? JSON.stringify(row)
          : `${world.padEnd(54)}${String(perSecond).padStart(9)}  ${counting.padEnd(12)}   ${percent(row.rolledBack)}${row.harmless ? '       -' : seconds(row.medianSeconds)}   ${percent(row.out)}`;
      }
  if (!json) yield `\n${runs} runs a cell, an eighth of them where ejected requests count as failures; seed ${seed}`;
}

/** `npm run simulate -- --limits`: what holds up while a figure of the step is beyond a declared limit. */
export function* limitTable({ runs, seed, json, only }: Options): Generator<string> {
  if (!json)
    yield `${'candidate'.padEnd(34)}${'a minute'.padStart(9)}  ${'figures hold'.padEnd(24)}${'rolled back'.padStart(12)}${'promoted'.padStart(10)}${'held'.padStart(10)}${'waited'.padStart(10)}${'median'.padStart(9)}${'90 %'.padStart(9)}`;
  for (const world of chosen(
    limitWorlds.map((w) => w.name),
    only,
  ))
    for (const perMinute of [20, 200, 2000])
      for (const comparing of [
        'never',
        'in every step, p50 only',
        'in every step',
        'before promotion',
      ] satisfies Comparing[]) {
        const row = limitRow(world, perMinute, comparing, runs, seed);
        yield json
          ? JSON.stringify(row)
          : `${world.padEnd(34)}${String(perMinute).padStart(9)}  ${comparing.padEnd(24)}   ${percent(row.rolledBack)} ${percent(row.promoted)} ${percent(row.held)} ${percent(row.waited)} ${seconds(row.waitedSeconds.median)} ${seconds(row.waitedSeconds.p90)}`;
      }
  if (!json) yield `\n${runs} runs a cell; seed ${seed}`;
}

/** `npm run simulate -- --hanging`: requests that hang at both versions, and in which second they count. */
export function* hangingTable({ runs, seed, json, only }: Options): Generator<string> {
  if (!json)
    yield `${'world'.padEnd(50)}${'a second'.padStart(9)}  ${'counts when'.padEnd(12)}${'rolled back'.padStart(12)}`;
  for (const telling of ['settled', 'arrival'] satisfies Telling[])
    for (const perSecond of [33, 333])
      for (const world of chosen(
        hangingWorlds.map((w) => w.name),
        only,
      )) {
        const row = hangingRow(world, perSecond, telling, runs, seed);
        yield json
          ? JSON.stringify(row)
          : `${world.padEnd(50)}${String(perSecond).padStart(9)}  ${telling.padEnd(12)}   ${percent(row.rolledBack)}`;
      }
  if (!json) yield `\n${runs} runs a cell; seed ${seed}`;
}

const WIDTHS = [26, 11, -9, -10, -12, -10, -14];
const wholeLine = (cells: string[]) =>
  cells.map((c, i) => ((WIDTHS[i] ?? 0) > 0 ? c.padEnd(WIDTHS[i] ?? 0) : c.padStart(-(WIDTHS[i] ?? 0)))).join('');

/** `npm run simulate -- --whole`: everything at once for an identical candidate; `only` is a rule or a clock. */
export function* wholeTable({ runs, seed, json, only }: Options): Generator<string> {
  if (!json)
    yield wholeLine([
      'failed requests count as',
      'latencies',
      'a minute',
      'errors',
      'rolled back',
      'alarms',
      'proved better',
    ]);
  for (const rule of ['own answers', 'all'] satisfies Rule[])
    for (const clock of ['exact', 'in ms'] satisfies Clock[])
      for (const perMinute of chosen([rule, clock], only).length > 0 ? [20, 200, 2000] : [])
        for (const errors of [0.01, 0.03, 0.1]) {
          const n = rule === 'all' ? Math.ceil(runs / 8) : runs;
          const row = wholeRow(perMinute, errors, rule, clock, n, seed);
          yield json
            ? JSON.stringify(row)
            : wholeLine(
                [rule, clock, String(perMinute)].concat(
                  [errors, row.rolledBack, row.alarms, row.provedBetter].map((x) => percent(x)),
                ),
              );
        }
  if (!json) yield `\n${runs} runs a cell, an eighth of them where everything counts; seed ${seed}`;
}

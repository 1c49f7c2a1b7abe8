import { type ArmKind, armKinds, armsRow } from './arms.ts';
import { columns, percent } from './columns.ts';
import { type Counting, ejectionRow, worlds } from './ejection.ts';
import { hangingRow, hangingWorlds, type Telling } from './hanging.ts';
import { type Comparing, limitRow, limitWorlds } from './limits.ts';
import { ladders, returningRow } from './returning.ts';
import { type Clock, type Rule, wholeRow } from './whole.ts';

const seconds = (x: number | null) => (x === null ? '-' : `${x} s`);

type Options = { runs: number; seed: number; json: boolean; only: string | undefined };
const chosen = (names: string[], only: string | undefined) => names.filter((name) => !only || name.includes(only));

const returningLine = columns(34, -7, 2, 10, -12, -9, -8, -12, -9);

/** `npm run simulate -- --returning`: users who come back, over ladders of shares; line by line, as they are played. */
export function* returningTable({ runs, seed, json, only }: Options): Generator<string> {
  if (!json)
    yield returningLine(
      'ladder (shares in %)',
      'users',
      '',
      'kind',
      'rolled back',
      'alarms',
      'after',
      '   as fresh draws: rolled back, alarms',
    );
  for (const kind of ['identical', 'broken'] as const)
    for (const users of [300, 3000])
      for (const ladder of chosen(Object.keys(ladders), only)) {
        const row = returningRow(ladder, users, kind, kind === 'identical' ? runs : Math.ceil(runs / 8), seed);
        yield json
          ? JSON.stringify(row)
          : returningLine(
              ladder,
              String(users),
              '',
              kind,
              percent(row.rolledBack),
              percent(row.alarms),
              seconds(row.medianSeconds),
              percent(row.fresh.rolledBack),
              percent(row.fresh.alarms),
            );
      }
  if (!json) yield `\n${runs} runs a cell, an eighth of them where it is broken; seed ${seed}`;
}

const armsLine = columns(-10, 2, 10, -12, -10, -14, -10, -10, -10);

/** `npm run simulate -- --arms`: experiments of several candidates, obeyed as the conductor does. */
export function* armsTable({ runs, seed, json, only }: Options): Generator<string> {
  if (!json)
    yield armsLine('candidates', '', 'the first', 'harmless', 'withdrawn', 'no better', 'named', 'several', 'ends');
  for (const kind of chosen(Object.keys(armKinds), only) as ArmKind[])
    for (const candidates of [1, 2, 4, 10]) {
      const row = armsRow(candidates, kind, kind === 'identical' ? runs : Math.ceil(runs / 4), seed);
      yield json
        ? JSON.stringify(row)
        : armsLine(
            String(candidates),
            '',
            kind,
            percent(row.wronglyWithdrawn),
            percent(row.withdrawn),
            percent(row.wronglyNamed),
            percent(row.named),
            percent(row.several),
            seconds(row.medianSeconds),
          );
    }
  if (!json)
    yield '\nharmless: one was withdrawn; no better: one was named, alone or among several; ' +
      `${runs} runs a cell, a quarter of them where the first differs; seed ${seed}`;
}

const ejectionLine = columns(54, -9, 2, 12, -12, -8, -12);

/**
 * `npm run simulate -- --ejection`: the router's own ejection, requests a second and what each ejected one counts as.
 */
export function* ejectionTable({ runs, seed, json, only }: Options): Generator<string> {
  if (!json) yield ejectionLine('world', 'a second', '', 'ejected is', 'rolled back', 'after', 'out > 60 s');
  for (const counting of ['no event', 'as failures'] satisfies Counting[])
    for (const perSecond of [33, 333])
      for (const world of chosen(
        worlds.map((w) => w.name),
        only,
      )) {
        const row = ejectionRow(world, perSecond, counting, counting === 'no event' ? runs : Math.ceil(runs / 8), seed);
        yield json
          ? JSON.stringify(row)
          : ejectionLine(
              world,
              String(perSecond),
              '',
              counting,
              percent(row.rolledBack),
              row.harmless ? '-' : seconds(row.medianSeconds),
              percent(row.out),
            );
      }
  if (!json) yield `\n${runs} runs a cell, an eighth of them where ejected requests count as failures; seed ${seed}`;
}

const limitLine = columns(34, -9, 2, 24, -12, -10, -10, -10, -9, -9);

/** `npm run simulate -- --limits`: what holds up while a figure of the step is beyond a declared limit. */
export function* limitTable({ runs, seed, json, only }: Options): Generator<string> {
  if (!json)
    yield limitLine(
      'candidate',
      'a minute',
      '',
      'figures hold',
      'rolled back',
      'promoted',
      'held',
      'waited',
      'median',
      '90 %',
    );
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
          : limitLine(
              world,
              String(perMinute),
              '',
              comparing,
              ...[row.rolledBack, row.promoted, row.held, row.waited].map(percent),
              ...[row.waitedSeconds.median, row.waitedSeconds.p90].map(seconds),
            );
      }
  if (!json) yield `\n${runs} runs a cell; seed ${seed}`;
}

const hangingLine = columns(50, -9, 2, 12, -12);

/** `npm run simulate -- --hanging`: requests that hang at both versions, and in which second they count. */
export function* hangingTable({ runs, seed, json, only }: Options): Generator<string> {
  if (!json) yield hangingLine('world', 'a second', '', 'counts when', 'rolled back');
  for (const telling of ['settled', 'arrival'] satisfies Telling[])
    for (const perSecond of [33, 333])
      for (const world of chosen(
        hangingWorlds.map((w) => w.name),
        only,
      )) {
        const row = hangingRow(world, perSecond, telling, runs, seed);
        yield json ? JSON.stringify(row) : hangingLine(world, String(perSecond), '', telling, percent(row.rolledBack));
      }
  if (!json) yield `\n${runs} runs a cell; seed ${seed}`;
}

const wholeLine = columns(26, 11, -9, -10, -12, -10, -14);

/** `npm run simulate -- --whole`: everything at once for an identical candidate; `only` is a rule or a clock. */
export function* wholeTable({ runs, seed, json, only }: Options): Generator<string> {
  if (!json)
    yield wholeLine(
      'failed requests count as',
      'latencies',
      'a minute',
      'errors',
      'rolled back',
      'alarms',
      'proved better',
    );
  for (const rule of ['own answers', 'all'] satisfies Rule[])
    for (const clock of ['exact', 'in ms'] satisfies Clock[])
      for (const perMinute of chosen([rule, clock], only).length > 0 ? [20, 200, 2000] : [])
        for (const errors of [0.01, 0.03, 0.1]) {
          const n = rule === 'all' ? Math.ceil(runs / 8) : runs;
          const row = wholeRow(perMinute, errors, rule, clock, n, seed);
          yield json
            ? JSON.stringify(row)
            : wholeLine(
                rule,
                clock,
                String(perMinute),
                ...[errors, row.rolledBack, row.alarms, row.provedBetter].map(percent),
              );
        }
  if (!json) yield `\n${runs} runs a cell, an eighth of them where everything counts; seed ${seed}`;
}

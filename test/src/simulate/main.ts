// `npm run simulate`: plays request streams through the decision rule in closed loop, beside the rules of other tools.
// `-- --returning`, `-- --ejection` and `-- --limits` play users who come back, the router's own ejection, and figures
// beyond a declared limit; `-- --hanging` requests that hang; `-- --whole` all of it at once, with the router's
// fallback; `-- --arms` experiments of several candidates.
// `-- --streams FILE --json` reads streams from a file and prints one line of JSON a run.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { columns, percent } from './columns.ts';
import { peers } from './peers.ts';
import { type Outcome, play } from './play.ts';
import { readRuns } from './stream.ts';
import { armsTable, ejectionTable, hangingTable, limitTable, returningTable, wholeTable } from './tables.ts';
import { scenarios, world } from './world.ts';

type Cell = { scenario: number; volume: number; base: number; runs: number; seed: number };
export type Row = {
  rule: string;
  scenario: string;
  kind: 'good' | 'bad';
  volume: number;
  base: number;
  runs: number;
  rolledBack: number;
  promoted: number;
  held: number;
  medianSeconds: number | null;
  medianHarmed: number | null;
};

const median = (values: number[]): number | null =>
  values.length > 0 ? ([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number) : null;

function playCell({ scenario: index, volume, base, runs, seed }: Cell): Row[] {
  const scenario = scenarios[index];
  if (!scenario) throw new Error(`there is no scenario ${index}`);
  const found: Record<string, Outcome[]> = {
    Slipway: [],
    ...Object.fromEntries(Object.keys(peers).map((name) => [name, []])),
  };
  for (let run = 0; run < runs; run++) {
    const stream = world(scenario, volume, base, run, seed);
    (found['Slipway'] as Outcome[]).push(play(stream));
    for (const [name, rule] of Object.entries(peers)) (found[name] as Outcome[]).push(rule(stream));
  }
  // Cost of a request at the bad candidate: an excess error, a slowed answer, a lost conversion.
  const cost = (t: number) => {
    const [good, bad] = [scenario.at('control', t, base), scenario.at('candidate', t, base)];
    return (bad.slower ?? 1) > (good.slower ?? 1)
      ? 1
      : Math.max(0, (bad.error ?? base) - (good.error ?? base)) + Math.max(0, 0.1 - (bad.conversion ?? 0.1));
  };
  /** Expected value, over the seconds and shares that the rule gave to the candidate. */
  const harmed = ({ weights, second }: Outcome) => {
    let sum = 0;
    weights.forEach(([from, weight], k) => {
      const until = weights[k + 1]?.[0] ?? second;
      for (let t = from; t < until; t++) sum += weight * (volume / 60) * cost(t);
    });
    return sum;
  };
  return Object.entries(found).map(([rule, outcomes]) => {
    const back = outcomes.filter((o) => o.verdict === 'rolledBack');
    return {
      rule,
      scenario: scenario.name,
      kind: scenario.kind,
      volume,
      base,
      runs,
      rolledBack: back.length / runs,
      promoted: outcomes.filter((o) => o.verdict === 'promoted').length / runs,
      held: outcomes.filter((o) => o.verdict === 'held').length / runs,
      medianSeconds: median(back.map((o) => o.second)),
      medianHarmed: scenario.kind === 'bad' ? median(outcomes.map(harmed)) : null,
    };
  });
}

async function playStreams(file: string): Promise<void> {
  for await (const run of readRuns(
    createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY }),
  )) {
    const { scenario, volume, base, run: number } = run.meta;
    const { verdict, second, weights } = play(run);
    process.stdout.write(`${JSON.stringify({ scenario, volume, base, run: number, verdict, second, weights })}\n`);
  }
}

async function simulate(options: {
  runs: number;
  seed: number;
  json: boolean;
  volumes: number[];
  bases: number[];
  only: string | undefined;
}): Promise<void> {
  const cells: Cell[] = scenarios.flatMap((s, scenario) =>
    options.only && !s.name.includes(options.only)
      ? []
      : options.volumes.flatMap((volume) =>
          options.bases.map((base) => ({ scenario, volume, base, runs: options.runs, seed: options.seed })),
        ),
  );
  const rows: Row[][] = [];
  let next = 0;
  let done = 0;
  const bar = () =>
    process.stderr.isTTY &&
    process.stderr.write(
      `\r[${'#'.repeat(Math.round((30 * done) / cells.length)).padEnd(30)}] ${done} of ${cells.length} cells`,
    );
  await Promise.all(
    Array.from(
      { length: Math.min(cells.length, availableParallelism()) },
      () =>
        new Promise<void>((resolve, reject) => {
          const worker = new Worker(new URL(import.meta.url), { workerData: 'cells' });
          const feed = () => {
            if (next >= cells.length) return void worker.terminate().then(() => resolve());
            const at = next++;
            worker.once('message', (found: Row[]) => {
              rows[at] = found;
              done++;
              bar();
              feed();
            });
            worker.postMessage(cells[at]);
          };
          worker.on('error', reject);
          feed();
        }),
    ),
  );
  if (process.stderr.isTTY) process.stderr.write(`${'\r'.padEnd(60)}\r`);
  if (options.json) {
    for (const row of rows.flat()) process.stdout.write(`${JSON.stringify(row)}\n`);
    return;
  }
  const line = columns(32, -9, -8, 2, 14, -12, -10, -9, -9, -9);
  const print = (...cells: string[]) => process.stdout.write(`${line(...cells)}\n`);
  print('scenario', 'a minute', 'base', '', 'rule', 'rolled back', 'promoted', 'held', 'seconds', 'harmed');
  for (const r of rows.flat())
    print(
      r.scenario,
      String(r.volume),
      percent(r.base),
      '',
      r.rule,
      ...[r.rolledBack, r.promoted, r.held].map(percent),
      r.medianSeconds === null ? '-' : String(r.medianSeconds),
      r.medianHarmed === null ? '-' : r.medianHarmed.toFixed(0),
    );
  const ours = rows.flat().filter((r) => r.rule === 'Slipway');
  const worst = Math.max(...ours.filter((r) => r.kind === 'good').map((r) => r.rolledBack), 0);
  process.stdout.write(
    `\nSlipway: worst cell of harmless candidates ${percent(worst)} rolled back; ` +
      `${options.runs} runs a cell, seed ${options.seed}\n`,
  );
}

if (!isMainThread && workerData === 'cells') {
  parentPort?.on('message', (cell: Cell) => parentPort?.postMessage(playCell(cell)));
} else {
  const { values } = parseArgs({
    options: {
      streams: { type: 'string' },
      json: { type: 'boolean', default: false },
      runs: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      volumes: { type: 'string', default: '20,200,2000,20000' },
      bases: { type: 'string', default: '0.01' },
      only: { type: 'string' },
      returning: { type: 'boolean', default: false },
      ejection: { type: 'boolean', default: false },
      limits: { type: 'boolean', default: false },
      hanging: { type: 'boolean', default: false },
      whole: { type: 'boolean', default: false },
      arms: { type: 'boolean', default: false },
    },
  });
  const numbers = (text: string) => text.split(',').map(Number);
  try {
    if (values.streams) await playStreams(values.streams);
    else if (values.returning || values.ejection || values.limits || values.hanging || values.whole || values.arms) {
      const { json, only } = values;
      const options = { runs: Number(values.runs), seed: Number(values.seed), json, only };
      const table = values.returning
        ? returningTable
        : values.ejection
          ? ejectionTable
          : values.limits
            ? limitTable
            : values.hanging
              ? hangingTable
              : values.whole
                ? wholeTable
                : armsTable;
      for (const line of table(options)) process.stdout.write(`${line}\n`);
    } else
      await simulate({
        runs: Number(values.runs),
        seed: Number(values.seed),
        json: values.json,
        volumes: numbers(values.volumes),
        bases: numbers(values.bases),
        only: values.only,
      });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}

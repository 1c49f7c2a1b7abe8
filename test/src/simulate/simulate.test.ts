import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { root } from '../fixtures/stack.ts';
import { peers } from './peers.ts';
import { play } from './play.ts';
import { readRuns, type Run } from './stream.ts';
import { scenarios, world } from './world.ts';

const scenario = (name: string) => {
  const found = scenarios.find((s) => s.name === name);
  if (!found) throw new Error(`no ${name}`);
  return found;
};
const outcomes = (name: string, volume: number, runs: number) =>
  Array.from({ length: runs }, (_, run) => play(world(scenario(name), volume, 0.01, run, 7)));
const rolledBack = (found: ReturnType<typeof outcomes>) =>
  found.filter((o) => o.verdict === 'rolledBack').length / found.length;

describe('the decision rule in closed loop', () => {
  it.each(['identical', 'identical, errors in few units', 'shared outage', 'shared load wave'])(
    'leaves harmless candidates alone, whatever both arms go through: %s',
    (name) => {
      // 5 % and three standard errors; `npm run simulate` has more runs
      for (const [volume, runs] of [
        [200, 20],
        [2000, 5],
      ] as const)
        expect(rolledBack(outcomes(name, volume, runs))).toBeLessThanOrEqual(
          0.05 + 3 * Math.sqrt((0.05 * 0.95) / runs),
        );
    },
  );
  it('rolls a broken candidate back within seconds, and a five times worse one within minutes', () => {
    const failing = outcomes('total failure', 2000, 4);
    expect([rolledBack(failing), Math.max(...failing.map((o) => o.second)) < 10]).toEqual([1, true]);
    const worse = outcomes('errors x5', 2000, 4);
    expect([rolledBack(worse), Math.max(...worse.map((o) => o.second)) < 400]).toEqual([1, true]);
  });
  it('suspends judgement when the sample ratio is wrong', () =>
    expect(outcomes('wrong sample ratio', 2000, 2).every((o) => o.verdict === 'held')).toBe(true));
  it('is the same for the same seed, and widens step by step', () => {
    const [a, b] = [
      play(world(scenario('identical'), 2000, 0.01, 3, 7)),
      play(world(scenario('identical'), 2000, 0.01, 3, 7)),
    ];
    expect(a).toEqual(b);
    expect(a.weights.map(([, w]) => w)).toEqual([0.05, 0.25, 0.5, 1]);
    expect([a.verdict, a.second >= 2400]).toEqual(['promoted', true]);
  });
  it('does not look at what the run is called', () => {
    const run = world(scenario('errors x5'), 200, 0.01, 0, 7);
    const renamed: Run = { ...run, meta: { ...run.meta, scenario: 'identical', base: 0.5 } };
    expect(play(renamed)).toEqual(play(run));
  });
  it('has neighbours that do what they are known for', () => {
    const stream = world(scenario('identical'), 2000, 0.01, 0, 7);
    expect(peers['Flagger']?.(stream).verdict).toBe('rolledBack');
    expect(peers['Argo Rollouts']?.(stream).verdict).toBe('promoted');
  });
});

describe('streams made elsewhere', () => {
  async function* lines(...text: string[]) {
    yield* text;
  }
  const META =
    '{"meta":{"scenario":"x","volume":1,"base":0.1,"run":0,"steps":[0.5,1],"dwell_s":10,"thresholds_ms":{},"conv_delays_s":[]}}';
  it('are read run by run, and what is wrong is named by its line', async () => {
    const found = [];
    for await (const run of readRuns(
      lines(
        META,
        '{"t":1,"stratum":0,"arm":"control","n":1,"err":0,"units":{"n":1,"err":0},"over":{"c50":0,"c90":0,"c99":0},"conv":{}}',
        '',
        META,
      ),
    ))
      found.push([run.last, run.seconds.length]);
    expect(found).toEqual([
      [1, 2],
      [0, 0],
    ]);
    await expect(readRuns(lines('{"t":1}')).next()).rejects.toThrow('line 1: a run begins with its meta');
    await expect(readRuns(lines(META, '{"t":-1,"stratum":0,"arm":"control","n":1,"err":0}')).next()).rejects.toThrow(
      'line 2: t, stratum, n and err must be whole numbers',
    );
    const wrong = (change: string) =>
      readRuns(lines(META, `{"t":1,"stratum":0,"arm":"control","n":1,"err":0,${change}}`)).next();
    await expect(wrong('"units":{"n":1}')).rejects.toThrow('line 2: units needs n and err');
    await expect(wrong('"units":{"n":1,"err":0},"over":{"c50":2,"c90":0,"c99":0}')).rejects.toThrow(
      'line 2: over needs c50, c90 and c99',
    );
    await expect(wrong('"units":{"n":1,"err":0},"over":{"c50":0,"c90":0,"c99":0},"conv":{"30":0.5}')).rejects.toThrow(
      'line 2: conv holds whole numbers',
    );
    await expect(readRuns(lines('{')).next()).rejects.toThrow('line 1: not JSON');
  });
  it('end after their last line and the silence that may still follow it', async () => {
    const line = (t: number) =>
      ['control', 'candidate'].flatMap((arm) =>
        [0, 1].map((stratum) =>
          JSON.stringify({
            t,
            stratum,
            arm,
            n: 1000,
            err: 0,
            units: { n: 1000, err: 0 },
            over: { c50: 500, c90: 100, c99: 10 },
            conv: {},
          }),
        ),
      );
    const every3 = [META, ...Array.from({ length: 7 }, (_, i) => line(3 * i)).flat()];
    // the last line is of second 18, the dwell of the last step ends with second 19
    const played = async (...text: string[]) => {
      const found = [];
      for await (const run of readRuns(lines(...text))) found.push(play(run));
      return found;
    };
    expect(await played(...every3)).toMatchObject([{ verdict: 'promoted', second: 20 }]);
    expect(await played(...every3.slice(0, -4))).toMatchObject([{ verdict: 'held', second: 16 }]);
  });
  it('give one line of JSON a run on the command line', () => {
    const folder = mkdtempSync(join(tmpdir(), 'streams-'));
    const file = join(folder, 's.ndjson');
    const second = (t: number) =>
      ['control', 'candidate'].flatMap((arm) =>
        [0, 1].map((stratum) =>
          JSON.stringify({
            t,
            stratum,
            arm,
            n: 20,
            err: arm === 'candidate' ? 20 : 0,
            units: { n: 20, err: arm === 'candidate' ? 20 : 0 },
            over: { c50: 10, c90: 2, c99: 0 },
            conv: {},
          }),
        ),
      );
    writeFileSync(file, [META, ...Array.from({ length: 30 }, (_, t) => second(t)).flat()].join('\n'));
    const output = execFileSync(
      process.execPath,
      [join(root, 'test', 'dist', 'simulate', 'main.js'), '--streams', file, '--json'],
      { encoding: 'utf8' },
    );
    rmSync(folder, { recursive: true });
    expect(JSON.parse(output)).toEqual({
      scenario: 'x',
      volume: 1,
      base: 0.1,
      run: 0,
      verdict: 'rolledBack',
      second: expect.any(Number),
      weights: [
        [0, 0.5],
        [expect.any(Number), 0],
      ],
    });
  });
});

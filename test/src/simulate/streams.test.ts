import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { play } from './play.ts';
import { readRuns } from './stream.ts';

/** Built: the command line starts workers of its own. */
const DIST = fileURLToPath(new URL('../../dist/simulate', import.meta.url));

describe('streams made elsewhere', () => {
  async function* lines(...text: string[]) {
    yield* text;
  }
  const META =
    '{"meta":{"scenario":"x","volume":1,"base":0.1,"run":0,"steps":[0.5,1],"dwell_s":10,' +
    '"thresholds_ms":{},"conv_delays_s":[]}}';
  const SECOND =
    '{"t":1,"stratum":0,"arm":"control","n":1,"err":0,"units":{"n":1,"err":0},' +
    '"over":{"c50":0,"c90":0,"c99":0},"conv":{}}';
  it('are read run by run, and what is wrong is named by its line', async () => {
    const found = [];
    for await (const run of readRuns(lines(META, SECOND, '', META))) found.push([run.last, run.seconds.length]);
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
  it('end after their last line and the pause that may still follow it', async () => {
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
    const output = execFileSync(process.execPath, [join(DIST, 'main.js'), '--streams', file, '--json'], {
      encoding: 'utf8',
    });
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

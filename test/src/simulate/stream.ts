/** What a run is: its steps, its thresholds and how late conversions may come. */
export type Meta = { scenario: string; volume: number; base: number; run: number; steps: number[]; dwell_s: number; thresholds_ms: Record<string, number>; conv_delays_s: number[] };

export type Arm = 'control' | 'candidate';
/** One second of one hash stratum, as it would be under one arm. */
export type Line = { t: number; stratum: number; arm: Arm; n: number; err: number; units: { n: number; err: number }; over: { c50: number; c90: number; c99: number; c500?: number }; conv: Record<string, number> };

/** Potential outcomes of one run, second by second: seconds[t] holds a stratum's lines under both arms. */
export type Run = { meta: Meta; seconds: { stratum: number; control: Line | undefined; candidate: Line | undefined }[][]; last: number };

const WHOLE = (x: unknown): x is number => typeof x === 'number' && Number.isInteger(x) && x >= 0;

/** Reads NDJSON of runs one after another. @throws Error naming the line that is wrong */
export async function* readRuns(lines: AsyncIterable<string>): AsyncGenerator<Run> {
  let run: Run | undefined;
  let number = 0;
  for await (const text of lines) {
    number++;
    if (text.trim() === '') continue;
    let value: { meta?: Meta } & Line;
    try {
      value = JSON.parse(text) as typeof value;
    } catch (error) {
      throw new Error(`line ${number}: not JSON: ${(error as Error).message}`);
    }
    if (value.meta) {
      if (run) yield run;
      if (!Array.isArray(value.meta.steps) || value.meta.steps.length === 0 || !(value.meta.dwell_s > 0)) throw new Error(`line ${number}: meta needs steps and dwell_s`);
      run = { meta: value.meta, seconds: [], last: 0 };
      continue;
    }
    if (!run) throw new Error(`line ${number}: a run begins with its meta`);
    if (!WHOLE(value.t) || !WHOLE(value.stratum) || (value.arm !== 'control' && value.arm !== 'candidate') || !WHOLE(value.n) || !WHOLE(value.err)) throw new Error(`line ${number}: t, stratum, n and err must be whole numbers, arm control or candidate`);
    const second = (run.seconds[value.t] ??= []);
    let cell = second.find((c) => c.stratum === value.stratum);
    if (!cell) {
      cell = { stratum: value.stratum, control: undefined, candidate: undefined };
      second.push(cell);
    }
    cell[value.arm] = value;
    run.last = Math.max(run.last, value.t);
  }
  if (run) yield run;
}

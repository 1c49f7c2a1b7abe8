/** What a run is: its steps, its thresholds and how late conversions may come. */
export type Meta = {
  scenario: string;
  volume: number;
  base: number;
  run: number;
  steps: number[];
  dwell_s: number;
  thresholds_ms: Record<string, number>;
  conv_delays_s: number[];
};

export type Arm = 'control' | 'candidate';
/** One second of one hash stratum, as it would be under one arm. */
export type Line = {
  t: number;
  stratum: number;
  arm: Arm;
  n: number;
  err: number;
  units: { n: number; err: number };
  over: { c50: number; c90: number; c99: number; c500?: number };
  conv: Record<string, number>;
};

/** Potential outcomes of one run, second by second: seconds[t] holds a stratum's lines under both arms. */
export type Run = {
  meta: Meta;
  seconds: { stratum: number; control: Line | undefined; candidate: Line | undefined }[][];
  last: number;
};

const WHOLE = (x: unknown): x is number => typeof x === 'number' && Number.isInteger(x) && x >= 0;

function fault({ n, units, over, conv }: Partial<Line>): string | undefined {
  if (!WHOLE(units?.n) || !WHOLE(units.err)) return 'units needs n and err, whole numbers';
  const steps = [n, over?.c50, over?.c90, over?.c99];
  if (!steps.every(WHOLE) || steps.some((x, i) => i > 0 && (x as number) > (steps[i - 1] as number)))
    return 'over needs c50, c90 and c99, whole numbers that do not grow and are at most n';
  if (Object.entries(conv ?? {}).some(([delay, count]) => !(Number(delay) >= 0) || !WHOLE(count)))
    return 'conv holds whole numbers by their delay in seconds';
  return undefined;
}

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
      const { steps, dwell_s: dwell } = value.meta;
      if (!Array.isArray(steps) || steps.length === 0 || steps.some((w) => !(w > 0 && w <= 1)) || !(dwell > 0))
        throw new Error(`line ${number}: meta needs steps, shares from 0 to 1, and dwell_s`);
      run = {
        meta: {
          ...value.meta,
          conv_delays_s: value.meta.conv_delays_s ?? [],
          thresholds_ms: value.meta.thresholds_ms ?? {},
        },
        seconds: [],
        last: 0,
      };
      continue;
    }
    if (!run) throw new Error(`line ${number}: a run begins with its meta`);
    if (
      !WHOLE(value.t) ||
      !WHOLE(value.stratum) ||
      (value.arm !== 'control' && value.arm !== 'candidate') ||
      !WHOLE(value.n) ||
      !WHOLE(value.err)
    )
      throw new Error(`line ${number}: t, stratum, n and err must be whole numbers, arm control or candidate`);
    const lacking = fault(value);
    if (lacking) throw new Error(`line ${number}: ${lacking}`);
    value.conv ??= {};
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

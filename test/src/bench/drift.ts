import { countBins, cutNumbers, type FeatureProfile, FairSample } from '@slipway/model';
import { protocols } from '@slipway/protocol';
import { type DriftWindow, judgeDrift } from '@slipway/stats';
import { median } from './load.ts';
import { add, say } from './report.ts';

const REFERENCE_ROWS = 1_000_000;
const LIVE_ROWS = 200_000;
const COLUMNS = 10;
const SAMPLE_ROWS = 20_000;
const PER_SECOND = 5000;

const name = (i: number) => `input.x[${i}]`;
const numeric = (element: number, edges: number[], counts = new Array<number>(edges.length + 2).fill(0)) =>
  ({
    ...{ name: name(element), side: 'input', tensor: 'x', measure: 'value', element, kind: 'numeric', edges, counts },
  }) as const satisfies FeatureProfile;

/** Uniform numbers that are the same in every run. @param seed of a column */
function uniform(rows: number, seed: number): Float32Array {
  let state = (seed * 2654435761) >>> 0 || 1;
  return Float32Array.from({ length: rows }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  });
}

/** One timed run of `work`, in wall and CPU milliseconds of this process. */
function timed<T>(work: () => T): { wall: number; cpu: number; result: T } {
  const [began, before] = [performance.now(), process.cpuUsage()];
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return { wall: performance.now() - began, cpu: (user + system) / 1000, result };
}

/** A reference of a million rows beside live ones, in memory: what is cut and counted, and what is found. */
function analysis(): void {
  say(`\nDrift: ${REFERENCE_ROWS} reference rows, ${LIVE_ROWS} live ones, ${COLUMNS} numeric columns, in memory`);
  const reference = Array.from({ length: COLUMNS }, (_, c) => uniform(REFERENCE_ROWS, c + 1));
  const live = Array.from({ length: COLUMNS }, (_, c) => uniform(LIVE_ROWS, c + 101));
  const shifted = live.map((column) => column.map((x) => x ** 0.6));
  const rounds = 7;
  const profiled = Array.from({ length: rounds }, () =>
    timed(() => {
      const sample = new FairSample<number>(1, SAMPLE_ROWS, Number.POSITIVE_INFINITY);
      for (let row = 0; row < REFERENCE_ROWS; row++) sample.offer(() => ({ value: row, bytes: 1 }));
      const rows = sample.values;
      return reference.map((column, c) => {
        const feature = numeric(c, cutNumbers(rows.map((row) => column[row] as number)));
        return { ...feature, counts: countBins(feature, column) };
      });
    }),
  );
  const features = profiled[0]?.result ?? [];
  const judge = (columns: readonly Float32Array[]) => {
    const window: DriftWindow = {
      features: features.map((f, c) => ({
        ...{ feature: f.name, reference: f.counts, current: countBins(f, columns[c] as Float32Array) },
      })),
    };
    return judgeDrift([window, window]);
  };
  const looks = Array.from({ length: rounds }, () => timed(() => judge(live)));
  add('the reference: cut at deciles of a fair sample, all rows counted', median(profiled.map((p) => p.cpu)), 'ms CPU');
  add('the live rows: binned and judged', median(looks.map((l) => l.cpu)), 'ms CPU');
  const both = median(profiled.map((p, i) => p.wall + (looks[i]?.wall ?? 0)));
  add(
    'both, by the clock',
    both,
    'ms',
    `goal 120; ${judge(live).moved.length} alarms, ${judge(shifted).moved.length} when shifted`,
  );
}

/** What the router does of it: a request of 20 numbers with the features, less the same without any. */
function edge(): number {
  const [oip] = protocols;
  const body = (datatype: string) =>
    Buffer.from(
      JSON.stringify({ inputs: [{ name: 'x', datatype, shape: [1, 20], data: Array.from(uniform(20, 7), (x) => x) }] }),
    );
  const bare = Buffer.from(
    JSON.stringify({ more: [{ name: 'x', datatype: 'FP32', shape: [1, 20], data: Array.from(uniform(20, 7)) }] }),
  );
  const micros = (of: Buffer) =>
    median(
      Array.from({ length: 9 }, () => {
        const { cpu } = timed(() => {
          for (let i = 0; i < 20_000; i++) JSON.stringify(oip.read(of).features);
        });
        return (1000 * cpu) / 20_000;
      }),
    );
  return micros(body('FP32')) - micros(bare);
}

/** `--only drift`: in memory. */
export function drift(): void {
  analysis();
  say(`\nDrift, live, at ${PER_SECOND} requests a second`);
  const micros = edge();
  const cores = `${((micros * PER_SECOND) / 1e6).toFixed(3)} cores`;
  add('router: the features of a request with 20 numbers, in its row', micros, 'µs CPU', cores);
}

import { readFileSync } from 'node:fs';
import { Pool } from 'undici';

export type LoadResult = { requests: number; failed: number; perSecond: number; p50Ms: number; p99Ms: number };

/** `callers` callers, each sending its next request as soon as it is answered, for `seconds`. */
export async function load(
  url: string,
  body: string,
  options: {
    callers: number;
    seconds: number;
    headers?: Record<string, string>;
    onAnswer?: (headers: Record<string, string | string[] | undefined>) => void;
  },
): Promise<LoadResult> {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections: options.callers, pipelining: 1 });
  const took: number[] = [];
  let failed = 0;
  const began = performance.now();
  const end = began + options.seconds * 1000;
  await Promise.all(
    Array.from({ length: options.callers }, async () => {
      while (performance.now() < end) {
        const at = performance.now();
        try {
          const answer = await pool.request({
            method: 'POST',
            path: pathname,
            body,
            headers: { 'content-type': 'application/json', ...options.headers },
          });
          await answer.body.dump();
          if (answer.statusCode >= 400) failed++;
          options.onAnswer?.(answer.headers);
          took.push(performance.now() - at);
        } catch {
          failed++;
        }
      }
    }),
  );
  const elapsed = (performance.now() - began) / 1000;
  await pool.destroy();
  took.sort((a, b) => a - b);
  return {
    requests: took.length,
    failed,
    perSecond: took.length / elapsed,
    p50Ms: quantile(took, 0.5),
    p99Ms: quantile(took, 0.99),
  };
}

/** Of sorted values; NaN of none. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
export const median = (values: readonly number[]): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );

/** CPU time that processes have used so far, microseconds (user and system; a tick is 10 ms). */
export function cpuMicros(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) * 10_000;
  }, 0);
}

/** Resident memory, MiB. */
export function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, until } from '@slipway/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../fixtures/stack.ts';

let folder: string;
let ports: Record<string, string>;
const started: ChildProcess[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(root, '.slipway', 'test', 'starter-'));
  // Routers and workers take two ports in a row.
  const free = async () => {
    for (;;) {
      const [base] = await freePorts(1);
      const next = await new Promise<boolean>((resolve) => {
        const probe = createServer()
          .once('error', () => resolve(false))
          .listen((base as number) + 1, '127.0.0.1', () => probe.close(() => resolve(true)));
      });
      if (next) return String(base);
    }
  };
  ports = {};
  for (const name of [
    'REGISTRY',
    'ROUTER',
    'WORKER',
    'STATS',
    'COMPARATOR',
    'DRIFT',
    'KAFKA',
    'KAFKA_CONTROLLER',
    'POSTGRES',
    'CLICKHOUSE',
  ])
    ports[`SLIPWAY_${name}_PORT`] = await free();
});
afterAll(async () => {
  for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
  await until('every starter to end', () => started.every((c) => c.exitCode !== null || c.signalCode !== null)).catch(
    () => undefined,
  );
  rmSync(folder, { recursive: true, force: true });
});

function start(env: Record<string, string> = {}, ...args: string[]) {
  const child = spawn(process.execPath, [join(root, 'examples', 'spam-filter', 'start.mjs'), ...args], {
    cwd: tmpdir(),
    env: { ...process.env, ...ports, SLIPWAY_DATA_DIR: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  const run = { child, output: '', ended: new Promise<number | null>((resolve) => child.once('close', resolve)) };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (d: Buffer) => (run.output += d.toString()));
  return run;
}
const said = (run: { output: string }, text: string | RegExp) =>
  until(
    `the starter to say ${text}; it said: ${run.output.slice(-2000)}`,
    () => (typeof text === 'string' ? run.output.includes(text) : text.test(run.output)),
    150_000,
  );
const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};
const children = () =>
  JSON.parse(readFileSync(join(folder, 'processes.json'), 'utf8')) as { name: string; pid: number }[];

describe('npm start', () => {
  it('says in one sentence which port is taken and what to do', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) =>
      blocker.listen(Number(ports['SLIPWAY_CLICKHOUSE_PORT']), '127.0.0.1', resolve),
    );
    const run = start();
    expect(await run.ended).toBe(1);
    expect(run.output).toContain(
      `Port ${ports['SLIPWAY_CLICKHOUSE_PORT']}, meant for ClickHouse, is taken: stop what listens there, or ` +
        'choose another with SLIPWAY_CLICKHOUSE_PORT=<port>.',
    );
    await new Promise((resolve) => blocker.close(resolve));
  });

  it('says in one sentence that Java is missing, and what to do', async () => {
    const bin = mkdtempSync(join(tmpdir(), 'slipway-bin-'));
    symlinkSync(process.execPath, join(bin, 'node'));
    const run = start({ PATH: bin });
    expect(await run.ended).toBe(1);
    expect(run.output).toContain('there is no `java` here: install a JDK 17 or later');
    rmSync(bin, { recursive: true });
  });

  it('starts clean after a kill -9 of the starter, keeps the data, and Ctrl-C stops every child', async () => {
    const first = start();
    await said(first, 'serves real mail');
    const before = children();
    expect(before.map((c) => c.name).sort()).toEqual([
      'clickhouse',
      'comparator-1',
      'drift-1',
      'kafka',
      'postgres',
      'registry-1',
      'router-1',
      'router-2',
      'stats-1',
      'worker-1',
      'worker-2',
    ]);
    first.child.kill('SIGKILL');
    await first.ended;
    const second = start();
    await said(second, 'ended what an earlier start left running');
    await said(second, 'serves real mail');
    expect(before.filter((c) => alive(c.pid))).toEqual([]);
    const after = children();
    second.child.kill('SIGINT');
    await second.ended;
    expect(second.output).toContain('stopping');
    // The terminal and its log contain none of the generated secrets.
    const { postgres, clickhouse, keys } = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8'));
    for (const secret of [postgres, ...Object.values(clickhouse), ...Object.values(keys)] as string[]) {
      expect(secret.length).toBeGreaterThan(20);
      expect(first.output + second.output).not.toContain(secret);
    }
    expect(after.filter((c) => alive(c.pid))).toEqual([]);
  });
});

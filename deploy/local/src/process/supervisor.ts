import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type ProcessSpec = {
  name: string;
  command: string;
  args: string[];
  env?: Record<string, string>;
  cwd?: string;
  /** Resolves true when the process is ready. */
  ready: () => Promise<boolean>;
  stopSignal?: NodeJS.Signals;
  uid?: number;
  gid?: number;
  /** Slipway's own services: an IPC channel tells them when the supervisor has ended. */
  ipc?: boolean;
};

type Running = {
  spec: ProcessSpec;
  child: ChildProcess | undefined;
  wanted: boolean;
  restarts: number;
  startedAt: number;
  timer: NodeJS.Timeout | undefined;
};
type Remembered = { name: string; pid: number; started: string };

const STOP_PATIENCE_MS = 20_000;

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Long waits check less often, because the checks would cost more than the work. */
const MOST_BETWEEN_MS = 300;

/**
 * Waits until `condition` holds. It is checked every `everyMs` at first, then at intervals of a fifth of the time that
 * has passed, up to 300 ms.
 * @throws Error after `timeoutMs`, naming `what`
 */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  timeoutMs = 60_000,
  everyMs = 50,
): Promise<void> {
  const began = performance.now();
  for (;;) {
    if (
      await Promise.resolve()
        .then(condition)
        .catch(() => false)
    )
      return;
    const waited = performance.now() - began;
    if (waited > timeoutMs) throw new Error(`waited ${timeoutMs / 1000} s for ${what}, and gave up`);
    await sleep(Math.max(everyMs, Math.min(MOST_BETWEEN_MS, waited / 5)));
  }
}

/** The kernel's start time of a process, which together with the pid identifies it. Undefined when it has ended. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/**
 * Starts processes, writes their output to files, restarts those that end by themselves (after a growing pause), and
 * stops all of them. It records its children on disk, so that the next supervisor on the same folder can end what a
 * kill -9 left behind.
 */
export class Supervisor {
  private readonly running = new Map<string, Running>();
  private readonly memory: string;
  private readonly logs: string;
  private readonly onEvent: (line: string) => void;
  /** Everything was stopped, or is being stopped: nothing is restarted. */
  private ended = false;

  constructor(folder: string, onEvent: (line: string) => void = () => undefined) {
    this.logs = join(folder, 'logs');
    this.memory = join(folder, 'processes.json');
    this.onEvent = onEvent;
    mkdirSync(this.logs, { recursive: true });
  }

  /** Ends what an earlier supervisor on this folder left running. @returns the names */
  async endLeftovers(): Promise<string[]> {
    let left: Remembered[] = [];
    try {
      left = JSON.parse(readFileSync(this.memory, 'utf8')) as Remembered[];
    } catch {
      return [];
    }
    const alive = left.filter((p) => p.started !== '' && startOf(p.pid) === p.started);
    for (const p of alive) process.kill(p.pid, p.name === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
    for (const p of alive) await until(`${p.name} (${p.pid}) to end`, () => startOf(p.pid) !== p.started, 20_000);
    return alive.map((p) => p.name);
  }

  async start(spec: ProcessSpec, timeoutMs = 90_000): Promise<void> {
    const entry: Running = { spec, child: undefined, wanted: true, restarts: 0, startedAt: 0, timer: undefined };
    this.running.set(spec.name, entry);
    this.launch(entry);
    await this.whenReady(spec.name, timeoutMs);
  }

  /** Restarts a process that `stop` or `kill(…, { restart: false })` ended. */
  async startAgain(name: string): Promise<void> {
    const entry = this.entry(name);
    entry.wanted = true;
    if (entry.child === undefined) this.launch(entry);
    await this.whenReady(name);
  }

  /** Ends a process and starts it again, from the present content of its program file. */
  async restart(name: string): Promise<void> {
    await this.stop(name);
    if (this.ended) return;
    this.entry(name).restarts = 0;
    await this.startAgain(name);
  }

  async whenReady(name: string, timeoutMs = 90_000): Promise<void> {
    const entry = this.entry(name);
    await until(
      `${name} to be ready (its output: ${join(this.logs, `${name}.log`)})`,
      async () => {
        if (entry.restarts >= 5 && entry.child === undefined) throw new Error('keeps ending');
        return entry.child !== undefined && (await entry.spec.ready());
      },
      timeoutMs,
    );
  }

  names(): string[] {
    return [...this.running.keys()];
  }

  pid(name: string): number | undefined {
    return this.entry(name).child?.pid;
  }

  restarts(name: string): number {
    return this.entry(name).restarts;
  }

  /** Sends a signal. With `restart: false` the process stays down until `startAgain`. */
  kill(name: string, signal: NodeJS.Signals, options: { restart?: boolean } = {}): void {
    const entry = this.entry(name);
    if (options.restart === false) entry.wanted = false;
    if (entry.child?.pid !== undefined) process.kill(entry.child.pid, signal);
  }

  async stop(name: string): Promise<void> {
    const entry = this.entry(name);
    entry.wanted = false;
    clearTimeout(entry.timer);
    const child = entry.child;
    if (child?.pid === undefined) return;
    child.kill(entry.spec.stopSignal ?? 'SIGTERM');
    try {
      await until(`${name} to stop`, () => entry.child === undefined, STOP_PATIENCE_MS, 10);
    } catch {
      this.onEvent(`${name} did not stop; killing it`);
      child.kill('SIGKILL');
      await until(`${name} to be killed`, () => entry.child === undefined, 5000, 10);
    }
  }

  /** Stops everything, the last started first; services of one wave (by `waves`) together. */
  async stopAll(): Promise<void> {
    this.ended = true;
    const names = this.names().reverse();
    const services = names.filter((n) => this.entry(n).spec.ipc);
    await Promise.all(services.map((n) => this.stop(n)));
    for (const name of names) if (!services.includes(name)) await this.stop(name);
    this.remember();
  }

  private entry(name: string): Running {
    const entry = this.running.get(name);
    if (!entry) throw new Error(`there is no process called ${name}`);
    return entry;
  }

  private launch(entry: Running): void {
    const { spec } = entry;
    const file = openSync(join(this.logs, `${spec.name}.log`), 'a');
    const child = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '',
        LANG: 'C.UTF-8',
        TZ: 'UTC',
        ...spec.env,
      },
      stdio: spec.ipc ? ['ignore', file, file, 'ipc'] : ['ignore', file, file],
      // A process group of its own: Ctrl-C in the terminal reaches only the supervisor, which then stops its children
      // in order.
      detached: true,
      ...(spec.uid === undefined ? {} : { uid: spec.uid, gid: spec.gid }),
    });
    closeSync(file);
    entry.child = child;
    entry.startedAt = Date.now();
    this.remember();
    const gone = (why: string) => {
      if (entry.child !== child) return;
      entry.child = undefined;
      this.remember();
      if (!entry.wanted) return;
      entry.restarts = Date.now() - entry.startedAt > 60_000 ? 1 : entry.restarts + 1;
      const pause = Math.min(5000, 100 * 2 ** (entry.restarts - 1));
      this.onEvent(`${spec.name} ended (${why}); starting it again`);
      entry.timer = setTimeout(() => {
        if (entry.wanted && entry.child === undefined) this.launch(entry);
      }, pause);
    };
    child.once('error', (error) => gone(error.message));
    child.once('exit', (code, signal) => gone(signal ?? `status ${code}`));
  }

  private remember(): void {
    const list: Remembered[] = [];
    for (const { spec, child } of this.running.values()) {
      if (child?.pid !== undefined) list.push({ name: spec.name, pid: child.pid, started: startOf(child.pid) ?? '' });
    }
    writeFileSync(`${this.memory}.new`, JSON.stringify(list));
    renameSync(`${this.memory}.new`, this.memory);
  }
}

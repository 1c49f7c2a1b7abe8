import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { counter, type Logger } from '@slipway/platform';
import { z } from 'zod';

const refusedTotal = counter(
  'slipway_router_snapshot_refused_total',
  'States that a snapshot held and that could not be used at the start; a file that cannot be read counts as one',
  ['snapshot'],
);

/** Between two writes of one snapshot. */
const SAVE_MS = 200;
/** A snapshot that could not be saved (a full disk) is tried again after so long. */
const RETRY_MS = 5000;

/**
 * The last states that were read of a topic, on disk: a router that starts while Kafka is away goes by them (it serves
 * control only, since no lease holds then).
 */
export class Snapshot<S extends z.ZodType> {
  private readonly file: string;
  private readonly name: string;
  private readonly schema: S;
  private readonly log: Logger;
  private waiting: (() => readonly z.output<S>[]) | undefined;
  private timer: NodeJS.Timeout | undefined;
  private savedAt = Number.NEGATIVE_INFINITY;

  /** @param name of the file, without its ending @param schema of one state */
  constructor(folder: string, name: string, schema: S, log: Logger) {
    this.file = join(folder, `${name}.json`);
    this.name = name;
    this.schema = schema;
    this.log = log;
  }

  /**
   * None where there is no file. What is damaged is not used, and it is said and counted: the topic has it, but until
   * it has been read this router does not.
   */
  load(): z.output<S>[] {
    let saved: unknown[];
    try {
      saved = z.array(z.unknown()).parse(JSON.parse(readFileSync(this.file, 'utf8')));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.refuse(1, reasonOf(error));
      return [];
    }
    const read = saved.map((state) => this.schema.safeParse(state));
    const refused = read.flatMap(({ error }, i) => (error ? [reasonOf(error, [i])] : []));
    if (refused.length > 0) this.refuse(refused.length, refused[0] as string);
    return read.flatMap(({ success, data }) => (success ? [data as z.output<S>] : []));
  }

  private refuse(states: number, reason: string): void {
    refusedTotal.inc({ snapshot: this.name }, states);
    this.log.error(
      { file: this.file, states, reason },
      `the snapshot ${this.name}.json is damaged: what cannot be used is missing until Kafka has been read`,
    );
  }

  /**
   * Saves them, at once or, when it has saved of late, a moment later: the whole file is written again for each change.
   * @param states read when it is saved
   */
  saveSoon(states: () => readonly z.output<S>[]): void {
    this.waiting = states;
    const left = Math.max(0, this.savedAt + SAVE_MS - performance.now());
    this.timer ??= setTimeout(() => this.flush(), left);
  }

  /** Saves now what waits. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.waiting) return;
    const read = this.waiting;
    const states = read();
    this.waiting = undefined;
    this.savedAt = performance.now();
    try {
      writeFileSync(`${this.file}.new`, JSON.stringify(states), { mode: 0o600 });
      renameSync(`${this.file}.new`, this.file);
    } catch (error) {
      // What was read is in force all the same; only a restart without Kafka would begin with something older.
      this.log.error({ err: error }, `the snapshot ${this.name}.json could not be saved; it is tried again`);
      this.waiting = read;
      this.timer = setTimeout(() => this.flush(), RETRY_MS).unref();
    }
  }
}

/** The first fault in words: where it is (@param within of the file), and what is wrong. */
function reasonOf(error: unknown, within: readonly PropertyKey[] = []): string {
  const [issue] = error instanceof z.ZodError ? error.issues : [];
  return issue ? `${[...within, ...issue.path].join('.') || '(file)'}: ${issue.message}` : (error as Error).message;
}

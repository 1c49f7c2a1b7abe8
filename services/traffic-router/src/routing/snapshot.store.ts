import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/**
 * The last states that were read of a topic, on disk: a router that starts while Kafka is away goes by them (it serves
 * control only, since no lease holds then).
 */
export class Snapshot<S extends z.ZodType> {
  private readonly file: string;
  private readonly schema: z.ZodArray<S>;
  /** @param name of the file, without its ending @param schema of one state */
  constructor(folder: string, name: string, schema: S) {
    this.file = join(folder, `${name}.json`);
    this.schema = z.array(schema);
  }

  /** None where there is no file, or none that can be used. */
  load(): z.output<S>[] {
    try {
      return this.schema.parse(JSON.parse(readFileSync(this.file, 'utf8')));
    } catch {
      return [];
    }
  }

  save(states: readonly z.output<S>[]): void {
    writeFileSync(`${this.file}.new`, JSON.stringify(states), { mode: 0o600 });
    renameSync(`${this.file}.new`, this.file);
  }
}

/** Does it once for all calls of one turn of the event loop, with what the last of them said. */
export function soon<A>(work: (latest: A) => void): (latest: A) => void {
  let waiting: { latest: A } | undefined;
  return (latest) => {
    if (waiting) {
      waiting.latest = latest;
      return;
    }
    const due = { latest };
    waiting = due;
    setImmediate(() => {
      waiting = undefined;
      work(due.latest);
    });
  };
}

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Limit on the names kept for one endpoint, so that made-up names cannot fill the memory. */
const MAX_NAMES = 1000;

/** The names of the outcomes that this router has accepted, by endpoint, on disk, so that a name is new only once. */
export class OutcomeNames {
  private readonly file: string;
  private readonly names = new Map<string, Set<string>>();
  constructor(folder: string) {
    this.file = join(folder, 'outcome-names.json');
    try {
      const saved = z.record(z.string(), z.array(z.string())).parse(JSON.parse(readFileSync(this.file, 'utf8')));
      for (const [endpoint, names] of Object.entries(saved)) this.names.set(endpoint, new Set(names));
    } catch {
      // Without the file every name is new; that costs a warning.
    }
  }

  has(endpoint: string, name: string): boolean {
    return this.names.get(endpoint)?.has(name) ?? false;
  }

  /**
   * Adds names at once: one write, however many there are. If the disk fails, the result is a warning after the next
   * start; the outcome is not affected.
   */
  add(endpoint: string, names: Iterable<string>): void {
    const known = this.names.get(endpoint) ?? new Set();
    this.names.set(endpoint, known);
    const before = known.size;
    for (const name of names) if (known.size < MAX_NAMES) known.add(name);
    if (known.size === before) return;
    const all = Object.fromEntries([...this.names].map(([e, set]) => [e, [...set]]));
    try {
      writeFileSync(`${this.file}.new`, JSON.stringify(all));
      renameSync(`${this.file}.new`, this.file);
    } catch {
      // see above
    }
  }
}

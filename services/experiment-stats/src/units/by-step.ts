import type { Arm } from './shares.ts';

/** Something that is counted of each arm in each step. */
export class ByStep<T> {
  private readonly found = new Map<string, T>();
  private readonly none: () => T;
  constructor(none: () => T) {
    this.none = none;
  }

  at(step: number, arm: Arm): T {
    const key = `${step} ${arm}`;
    let value = this.found.get(key);
    if (value === undefined) {
      value = this.none();
      this.found.set(key, value);
    }
    return value;
  }
}

/** Those of one step, by arm in it. */
export function armsIn<R extends { step: number; arm: Arm }>(
  rows: readonly R[],
): { step: number; arm: Arm; rows: R[] }[] {
  const groups = new Map<string, { step: number; arm: Arm; rows: R[] }>();
  for (const row of rows) {
    const key = `${row.step} ${row.arm}`;
    const group = groups.get(key);
    if (group) group.rows.push(row);
    else groups.set(key, { step: row.step, arm: row.arm, rows: [row] });
  }
  return [...groups.values()];
}

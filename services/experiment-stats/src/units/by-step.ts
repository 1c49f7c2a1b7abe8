import type { Arm } from './shares.ts';

/** Something that is counted of each arm in each step. */
export class ByStep<T> {
  private readonly found: Record<Arm, Map<number, T>> = { control: new Map(), candidate: new Map() };
  private readonly none: () => T;
  constructor(none: () => T) {
    this.none = none;
  }

  at(step: number, arm: Arm): T {
    const found = this.found[arm];
    let value = found.get(step);
    if (value === undefined) {
      value = this.none();
      found.set(step, value);
    }
    return value;
  }
}

/** Those of one step, by arm in it. */
export function armsIn<R extends { step: number; arm: Arm }>(
  rows: readonly R[],
): { step: number; arm: Arm; rows: readonly R[] }[] {
  const [first] = rows;
  if (!first) return [];
  // Most units are met in one step.
  if (rows.every(({ step, arm }) => step === first.step && arm === first.arm))
    return [{ step: first.step, arm: first.arm, rows }];
  const groups = new Map<string, { step: number; arm: Arm; rows: R[] }>();
  for (const row of rows) {
    const key = `${row.step} ${row.arm}`;
    const group = groups.get(key);
    if (group) group.rows.push(row);
    else groups.set(key, { step: row.step, arm: row.arm, rows: [row] });
  }
  return [...groups.values()];
}

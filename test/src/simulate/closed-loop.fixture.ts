import { play } from './play.ts';
import { scenarios, world } from './world.ts';

export const scenario = (name: string) => {
  const found = scenarios.find((s) => s.name === name);
  if (!found) throw new Error(`no ${name}`);
  return found;
};
/** Runs of one scenario at a base error rate of 1 %, played by Slipway's rule. */
export const outcomes = (name: string, volume: number, runs: number) =>
  Array.from({ length: runs }, (_, run) => play(world(scenario(name), volume, 0.01, run, 7)));
export const rolledBack = (found: ReturnType<typeof outcomes>) =>
  found.filter((o) => o.verdict === 'rolledBack').length / found.length;

/** How many runs of a harmless candidate are rolled back, at two volumes, and the largest allowed number. */
export const harmlessCells = (name: string) =>
  (
    [
      [200, 20],
      [2000, 5],
    ] as const
  ).map(([volume, runs]) => ({
    share: rolledBack(outcomes(name, volume, runs)),
    // 5 % plus three standard errors; `npm run simulate` has more runs
    most: 0.05 + 3 * Math.sqrt((0.05 * 0.95) / runs),
  }));

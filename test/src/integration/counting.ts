import type { Metric, Rollout } from '@slipway/release';
import type { PredictionRow } from '@slipway/contracts';
import type { ClickHouseClient } from '@slipway/platform';
import type { CountCell } from '@slipway/stats';
import type { Looks } from '../fixtures/looks.ts';
import type { TestStack } from '../fixtures/stack.ts';

/** What the parts of counts.test.ts share: its stack and what counts on it. There once its `beforeAll` is done. */
export type Counting = {
  stack: TestStack;
  clickhouse: ClickHouseClient;
  counts: Looks;
  send: (topic: string, rows: object[]) => Promise<unknown>;
};

export type Arm = 'control' | 'candidate';
export const ARMS = ['control', 'candidate'] as const;

/** A rollout of two steps, and rows and metrics of it. */
export type Builders = {
  rollout: Rollout;
  prediction: (unit: string, arm: Arm, step: number, change?: Partial<PredictionRow>) => PredictionRow;
  outcome: (value: unknown, change: object) => { event_id: string };
  metric: (change?: object) => Metric;
};

/** Events by share of the candidate, over all seconds: [control, candidate]. */
export const sums = (cells: readonly CountCell[]) =>
  Object.fromEntries(
    [...new Set(cells.map((c) => c.weight))]
      .sort()
      .map((w) => [
        w,
        cells
          .filter((c) => c.weight === w)
          .reduce(([a, b], c) => [(a as number) + c.control, (b as number) + c.candidate], [0, 0]),
      ]),
  );

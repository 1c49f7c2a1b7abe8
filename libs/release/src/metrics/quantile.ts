import { z } from 'zod';
import { durationSchema } from '@slipway/core';
import { defineMetric } from './kind.ts';

/** How long answers take, by quantiles. */
export const quantile = defineMetric({
  of: 'a quantile of "latency_us"',
  takes: ({ source }) => 'field' in source && source.field === 'latency_us',
  fields: {},
  options: {
    /** Names of quantiles (`p50`, `p90`, `p99`) with the longest acceptable latency, whatever control's is. */
    sla: z.partialRecord(z.enum(['p50', 'p90', 'p99']), durationSchema).optional(),
  },
  watched: false,
  proved: false,
  harm: ['ratio'],
  isGoal: () => false,
});

import { defineMetric } from './kind.ts';

/** How many units had an event: a failed request, or an outcome. */
export const proportion = defineMetric({
  of: 'a proportion of "error" or of an outcome',
  takes: ({ source }) => !('field' in source) || source.field === 'error',
  fields: {},
  options: {},
  watched: true,
  proved: true,
  harm: ['ratio', 'absolute'],
  isGoal: ({ source }) => 'outcome' in source,
});

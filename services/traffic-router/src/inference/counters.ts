import { counter, histogram } from '@slipway/platform';

export const requestsTotal = counter(
  'slipway_router_requests_total',
  'Inference requests answered, by endpoint, arm, version and status',
  ['endpoint', 'arm', 'version', 'status'],
);
export const latencySeconds = histogram(
  'slipway_router_request_duration_seconds',
  'From the whole request to its answer',
  [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  ['endpoint'],
);
export const fallbacksTotal = counter(
  'slipway_router_fallbacks_total',
  'Requests of the candidate that control answered',
  ['endpoint'],
);

export const ejectionsTotal = counter('slipway_router_ejections_total', 'Ejections of targets', ['endpoint']);
export const shedTotal = counter(
  'slipway_router_shed_total',
  'Requests refused before assignment because the bytes under way exceed the limit',
  [],
);

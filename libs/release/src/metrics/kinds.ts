import type { MetricKind } from './kind.ts';
import { proportion } from './proportion.ts';
import { quantile } from './quantile.ts';

/** Every kind of metric; the schemas of metrics and guardrails, and all checks, follow from this list. */
export const METRIC_KINDS = { proportion, quantile };

export type MetricKindName = keyof typeof METRIC_KINDS;
export const metricKindNames = Object.keys(METRIC_KINDS) as [MetricKindName, ...MetricKindName[]];

export const metricKind = (name: MetricKindName): MetricKind => METRIC_KINDS[name];

/** The names of the kinds with a property, for messages. */
export const kindsWith = (has: (kind: MetricKind) => boolean): string =>
  metricKindNames
    .filter((name) => has(metricKind(name)))
    .map((name) => `"${name}"`)
    .join(' or ');

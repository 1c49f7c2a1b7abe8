import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export { Counter, Gauge, Histogram } from 'prom-client';

/** The Prometheus registry of the process, served at `/metrics`. */
export const metrics = new Registry();
// The event loop's delay is measured every 50 ms: every 10 ms, the default, costs an idle process more than its work.
collectDefaultMetrics({ register: metrics, eventLoopMonitoringPrecision: 50 });

export function counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
  return new Counter({ name, help, labelNames: [...labelNames], registers: [metrics] });
}
export function gauge<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
  return new Gauge({ name, help, labelNames: [...labelNames], registers: [metrics] });
}
export function histogram<L extends string>(
  name: string,
  help: string,
  buckets: number[],
  labelNames: readonly L[] = [],
): Histogram<L> {
  return new Histogram({ name, help, buckets, labelNames: [...labelNames], registers: [metrics] });
}

/** A gauge that is read when somebody asks for the metrics, and at no other time. @param read all that it shows then */
export function measured<L extends string>(
  name: string,
  help: string,
  labelNames: readonly L[],
  read: () => readonly { labels: Record<L, string>; value: number }[],
): void {
  new Gauge({
    name,
    help,
    labelNames: [...labelNames],
    registers: [metrics],
    collect() {
      this.reset();
      for (const { labels, value } of read()) this.set(labels, value);
    },
  });
}

/** Every refusal is counted by its code. */
export const problemsTotal = counter('slipway_problems_total', 'Problem documents sent, by code', ['code']);

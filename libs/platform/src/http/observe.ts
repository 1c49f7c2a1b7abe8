import { traceIdOf } from '@slipway/contracts';
import type { FastifyInstance } from 'fastify';
import type { Logger } from '../process/log.ts';
import { histogram } from '../process/metrics.ts';

/** Named by OpenTelemetry's semantic conventions for Prometheus. Hot paths have histograms of their own. */
const duration = histogram(
  'http_server_request_duration_seconds',
  'Requests outside the hot path, by route and status',
  [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  ['http_request_method', 'http_route', 'http_response_status_code'],
);

/** Measures every request and logs it with its ids: changes at level info, reads at debug. */
export function observeRequests(fastify: FastifyInstance, log: Logger): void {
  fastify.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    duration.observe(
      { http_request_method: request.method, http_route: route, http_response_status_code: String(reply.statusCode) },
      reply.elapsedTime / 1000,
    );
    const header = (name: string) =>
      typeof request.headers[name] === 'string' ? (request.headers[name] as string) : undefined;
    const level =
      request.method === 'GET' || request.method === 'HEAD' || route === '/v1/outcomes' || route === '/v1/assignments'
        ? 'debug'
        : 'info';
    log[level](
      {
        method: request.method,
        url: request.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        request_id: header('x-request-id'),
        trace_id: traceIdOf(header('traceparent')) || undefined,
      },
      'answered',
    );
  });
}

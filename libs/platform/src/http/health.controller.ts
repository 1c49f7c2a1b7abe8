import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { metrics } from '../process/metrics.ts';
import { Needs } from '../rest/access.guard.ts';

export type ReadinessCheck = { name: string; ready: () => boolean | Promise<boolean> };
export const READINESS = Symbol('readiness checks');

/**
 * `/healthz`: the process answers. `/readyz`: it can do its work, otherwise what is missing. `/metrics`: Prometheus.
 */
@Controller()
@Needs('anyone')
export class HealthController {
  private readonly checks: ReadinessCheck[];
  constructor(@Inject(READINESS) checks: ReadinessCheck[]) {
    this.checks = checks;
  }

  @Get('healthz')
  health() {
    return { status: 'ok' };
  }

  @Get('readyz')
  async ready(@Res() reply: FastifyReply) {
    const waiting: string[] = [];
    for (const { name, ready } of this.checks)
      if (
        !(await Promise.resolve()
          .then(ready)
          .catch(() => false))
      )
        waiting.push(name);
    void reply.status(waiting.length === 0 ? 200 : 503).send({ ready: waiting.length === 0, waiting_for: waiting });
  }

  @Get('metrics')
  async metrics(@Res() reply: FastifyReply) {
    const text = await metrics.metrics();
    void reply.header('content-type', metrics.contentType).send(text);
  }
}

import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CallerAccess } from './caller-access.ts';
import { refuseQuery } from './no-query.ts';

/** What says no more than whether the process is well: for load balancers and Prometheus. */
const HEALTH = /^\/(healthz|readyz|metrics|v2\/health\/(live|ready))\/?(\?|$)/;

/** Every handler of a router or a worker but those of health; inference itself is checked by its proxy. */
@Injectable()
export class CallerGuard implements CanActivate {
  private readonly access: CallerAccess;
  constructor(access: CallerAccess) {
    this.access = access;
  }

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (!HEALTH.test(request.url)) this.access.check(request.headers.authorization);
    // The Open Inference Protocol says nothing of them; what is ours has none.
    if (request.url.startsWith('/v1/')) refuseQuery(request.query as object);
    return true;
  }
}

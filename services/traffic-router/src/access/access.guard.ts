import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Access } from './access.ts';

/** What says no more than whether the process is well: for load balancers and Prometheus. */
const HEALTH = /^\/(healthz|readyz|metrics|v2\/health\/(live|ready))\/?(\?|$)/;

/** Every handler of the router but those of health; inference itself is checked by its proxy. */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly access: Access;
  constructor(access: Access) {
    this.access = access;
  }

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (!HEALTH.test(request.url)) this.access.check(request.headers.authorization);
    return true;
  }
}

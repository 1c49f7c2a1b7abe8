import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { checkQuery, findOperation } from '@slipway/contracts';
import type { FastifyRequest } from 'fastify';

/** Refuses a query parameter that the operation does not declare: what is ignored silently misleads whoever asks. */
@Injectable()
export class QueryGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const { method, routeOptions, query } = context.switchToHttp().getRequest<FastifyRequest>();
    const operation = findOperation(method, routeOptions.url ?? '');
    if (operation) checkQuery(operation, query as object);
    return true;
  }
}

import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { checkQuery, findOperation } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import type { FastifyRequest } from 'fastify';
import { unstorable } from './storable.ts';

/**
 * Refuses a query parameter that the operation does not declare (what is ignored silently misleads whoever asks), and
 * anything in path, query or body that cannot be stored. @throws ProblemError invalid_request
 */
@Injectable()
export class QueryGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const { method, routeOptions, params, query, body } = context.switchToHttp().getRequest<FastifyRequest>();
    const operation = findOperation(method, routeOptions.url ?? '');
    if (operation) checkQuery(operation, query as object);
    for (const [where, part] of Object.entries({ path: params, query, body })) {
      const what = unstorable(part);
      if (what !== undefined) throw new ProblemError('invalid_request', `${where}: ${what}`);
    }
    return true;
  }
}

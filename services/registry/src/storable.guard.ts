import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { ProblemError } from '@slipway/core';
import type { FastifyRequest } from 'fastify';
import { unstorable } from './storable.ts';

/** Refuses anything in path, query or body that cannot be stored. @throws ProblemError invalid_request */
@Injectable()
export class StorableGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const { params, query, body } = context.switchToHttp().getRequest<FastifyRequest>();
    for (const [where, part] of Object.entries({ path: params, query, body })) {
      const what = unstorable(part);
      if (what !== undefined) throw new ProblemError('invalid_request', `${where}: ${what}`);
    }
    return true;
  }
}

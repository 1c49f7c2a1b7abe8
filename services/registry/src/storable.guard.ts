import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { ProblemError } from '@slipway/core';
import { httpRequestOf } from '@slipway/platform';
import { unstorable } from './storable.ts';

/** Refuses anything in path, query or body that cannot be stored. @throws ProblemError invalid_request */
@Injectable()
export class StorableGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = httpRequestOf(context);
    if (!request) return true;
    const { params, query, body } = request;
    for (const [where, part] of Object.entries({ path: params, query, body })) {
      const what = unstorable(part);
      if (what !== undefined) throw new ProblemError('invalid_request', `${where}: ${what}`);
    }
    return true;
  }
}

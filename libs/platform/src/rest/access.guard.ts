import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { checkQuery, type Needed, roleNeeded } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import { Access } from '../access/access.ts';
import { httpRequestOf, operationOf } from './operation.ts';

const NEEDS = 'slipway:needs';
/** Who may call a route that is not an operation; `anyone` needs no key. */
export const Needs = (needed: Needed | 'anyone') => SetMetadata(NEEDS, needed);

/**
 * Runs before every handler of every service: the caller must have the role that the operation declares. Undeclared
 * query parameters are refused, because ignoring them would silently mislead the caller.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly access: Access;
  private readonly reflector: Reflector;
  constructor(access: Access, reflector: Reflector) {
    this.access = access;
    this.reflector = reflector;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = httpRequestOf(context);
    if (!request) return true;
    const operation = operationOf(request);
    const needed = operation
      ? roleNeeded(operation, request.body)
      : this.reflector.getAllAndOverride<Needed | 'anyone' | undefined>(NEEDS, [
          context.getHandler(),
          context.getClass(),
        ]);
    if (needed === undefined)
      throw new ProblemError('forbidden', `${request.method} ${request.url} is not a declared operation`);
    if (needed === 'anyone') return true;
    const caller = await this.access.require(request.headers.authorization, needed);
    if (caller) request.caller = caller;
    if (operation) checkQuery(operation, request.query as object);
    return true;
  }
}

/** Whether a handler of a route that is not an operation declares who may call it. */
export function saysNeeds(controller: object, handler: object): boolean {
  return [handler, controller].some((of) => Reflect.getMetadata(NEEDS, of) !== undefined);
}

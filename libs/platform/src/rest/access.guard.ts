import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { checkQuery, type Needed, roleNeeded } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import { Access } from '../access/access.ts';
import { type AuthenticatedRequest, operationOf } from './operation.ts';

const NEEDS = 'slipway:needs';
/** What is asked of the callers of a route that is no operation; `anyone` is not asked for a key. */
export const Needs = (needed: Needed | 'anyone') => SetMetadata(NEEDS, needed);

/**
 * Before every handler of every service: who asks must be allowed to, by what the operation says. Query parameters
 * that the operation does not declare are refused: what is ignored silently misleads whoever asks.
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
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const operation = operationOf(request);
    const needed = operation
      ? roleNeeded(operation, request.body)
      : this.reflector.getAllAndOverride<Needed | 'anyone' | undefined>(NEEDS, [
          context.getHandler(),
          context.getClass(),
        ]);
    if (needed === undefined)
      throw new ProblemError('forbidden', `${request.method} ${request.url} is no declared operation`);
    if (needed === 'anyone') return true;
    const caller = await this.access.require(request.headers.authorization, needed);
    if (caller) request.caller = caller;
    if (operation) checkQuery(operation, request.query as object);
    return true;
  }
}

/** Whether a handler that is for no operation says who may call it. */
export function saysNeeds(controller: object, handler: object): boolean {
  return [handler, controller].some((of) => Reflect.getMetadata(NEEDS, of) !== undefined);
}

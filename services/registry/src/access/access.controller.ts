import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { mayActAs, findOperation, type Role, roleNeeded } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import { steadyNow } from '@slipway/platform';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../actor/actor.ts';
import { KeyStore } from './key.store.ts';

const NEEDS = 'slipway:role';
/** Marks a handler as one that needs a key; which role, the list of operations says. */
export const Needs = (role: Role) => SetMetadata(NEEDS, role);

type Authenticated = FastifyRequest & { actor?: Actor };
/** Who calls, from the API key. */
export const Caller = createParamDecorator(
  (_: unknown, context: ExecutionContext): Actor =>
    context.switchToHttp().getRequest<Authenticated>().actor ?? { name: 'nobody', role: 'viewer' },
);

@Injectable()
export class AccessGuard implements CanActivate {
  private readonly keys: KeyStore;
  private readonly reflector: Reflector;
  constructor(keys: KeyStore, reflector: Reflector) {
    this.keys = keys;
    this.reflector = reflector;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<Authenticated>();
    // The list of operations decides, which OpenAPI shows too; a handler that is on no list and needs nothing is open.
    const operation = findOperation(request.method, request.routeOptions.url ?? '');
    const marked = this.reflector.get<Role | undefined>(NEEDS, context.getHandler());
    if (!operation && !marked) return true;
    if (!operation) throw new ProblemError('forbidden', `${request.method} ${request.url} is no declared operation`);
    const needed = roleNeeded(operation, request.body);
    const key = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (!key) throw new ProblemError('unauthenticated', 'send an API key: Authorization: Bearer <key>');
    const actor = await this.keys.find(key, steadyNow());
    if (!actor) throw new ProblemError('unauthenticated', 'the API key is not known, or was revoked');
    if (!mayActAs(actor.role, needed))
      throw new ProblemError(
        'forbidden',
        `this needs the role ${needed}; the key "${actor.name}" has the role ${actor.role}`,
      );
    request.actor = actor;
    return true;
  }
}

import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { mayActAs, ProblemError, type Role } from '@slipway/contracts';
import { steadyNow } from '@slipway/platform';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../audit/audit.store.ts';
import { KeyStore } from './key.store.ts';

const NEEDS = 'slipway:role';
/** The role that a handler needs; without it a handler is open to all. */
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
    const needed = this.reflector.get<Role | undefined>(NEEDS, context.getHandler());
    if (!needed) return true;
    const request = context.switchToHttp().getRequest<Authenticated>();
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

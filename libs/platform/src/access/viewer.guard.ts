import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AccessReplica } from './access.client.ts';

/** Lets pass who may read: what a service knows of rollouts is for the holders of a key. */
@Injectable()
export class ViewerGuard implements CanActivate {
  private readonly access: AccessReplica;
  constructor(access: AccessReplica) {
    this.access = access;
  }

  canActivate(context: ExecutionContext): boolean {
    this.access.require(context.switchToHttp().getRequest<FastifyRequest>().headers.authorization, 'viewer');
    return true;
  }
}

import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AccessReplica } from './access.client.ts';
import { refuseQuery } from './no-query.ts';

/**
 * Lets pass who may read: what a service knows of rollouts is for the holders of a key. None of what it guards has
 * query parameters.
 */
@Injectable()
export class ViewerGuard implements CanActivate {
  private readonly access: AccessReplica;
  constructor(access: AccessReplica) {
    this.access = access;
  }

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    this.access.require(request.headers.authorization, 'viewer');
    refuseQuery(request.query as object);
    return true;
  }
}

import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { findOperation } from '@slipway/contracts';
import { rolloutSpecSchema } from '@slipway/release';
import type { FastifyRequest } from 'fastify';
import { Trials } from './trial.loop.ts';

/**
 * A rollout waits until its candidate was loaded once. It waits here, before a request with an Idempotency-Key begins
 * its transaction: who waits for a worker holds no connection that others need. @throws ProblemError as `settled` does
 */
@Injectable()
export class TrialGuard implements CanActivate {
  private readonly trials: Trials;
  constructor(trials: Trials) {
    this.trials = trials;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const { method, routeOptions, body } = context.switchToHttp().getRequest<FastifyRequest>();
    if (findOperation(method, routeOptions.url ?? '')?.body !== rolloutSpecSchema) return true;
    const spec = rolloutSpecSchema.safeParse(body);
    if (spec.success) await this.trials.settled(spec.data.candidate);
    return true;
  }
}

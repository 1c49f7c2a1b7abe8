import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { candidatesOf, rolloutSpecSchema } from '@slipway/release';
import type { FastifyRequest } from 'fastify';
import { Trials } from './trial.loop.ts';

/**
 * A rollout waits until each of its candidates was loaded once. It waits here, before a request with an Idempotency-Key
 * begins its transaction: who waits for a worker holds no connection that others need.
 * @throws ProblemError as `settled` does
 */
@Injectable()
export class TrialGuard implements CanActivate {
  private readonly trials: Trials;
  constructor(trials: Trials) {
    this.trials = trials;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const spec = rolloutSpecSchema.safeParse(context.switchToHttp().getRequest<FastifyRequest>().body);
    if (spec.success) for (const candidate of candidatesOf(spec.data)) await this.trials.settled(candidate);
    return true;
  }
}

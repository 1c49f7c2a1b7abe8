import { createHash } from 'node:crypto';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { canonicalJson, ProblemError } from '@slipway/contracts';
import { steadyNow } from '@slipway/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import type { Actor } from '../audit/audit.store.ts';
import { Database } from '../database/database.store.ts';

/** A request that has been under way for longer belongs to a registry that died. */
const ABANDONED_MS = 60_000;

/**
 * `Idempotency-Key` on every POST: the first success is remembered for a day and answered again; refusals are not
 * remembered.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  private readonly database: Database;
  constructor(database: Database) {
    this.database = database;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const request = context.switchToHttp().getRequest<FastifyRequest & { actor?: Actor }>();
    const key = request.headers['idempotency-key'];
    if (request.method !== 'POST' || key === undefined) return next.handle();
    return from(this.once(String(key), request, context.switchToHttp().getResponse<FastifyReply>(), next));
  }

  private async once(
    key: string,
    request: FastifyRequest & { actor?: Actor },
    reply: FastifyReply,
    next: CallHandler,
  ): Promise<unknown> {
    if (key.length === 0 || key.length > 255)
      throw new ProblemError('invalid_request', 'Idempotency-Key: 1 to 255 characters');
    const actor = request.actor?.name ?? '';
    const fingerprint = createHash('sha256')
      .update(`${request.url}\n${canonicalJson(request.body ?? null)}`)
      .digest('hex');
    const now = steadyNow();
    const [own] = await this.database.query<{ actor: string }>(
      `INSERT INTO idempotency (actor, key, fingerprint, created_at) VALUES ($1, $2, $3, $4)
       ON CONFLICT (actor, key) DO UPDATE SET created_at = $4 WHERE idempotency.status IS NULL AND idempotency.created_at < $5 AND idempotency.fingerprint = $3 RETURNING actor`,
      [actor, key, fingerprint, now, now - ABANDONED_MS],
    );
    if (!own) {
      const [earlier] = await this.database.query<{ fingerprint: string; status: number | null; body: unknown }>(
        'SELECT fingerprint, status, body FROM idempotency WHERE actor = $1 AND key = $2',
        [actor, key],
      );
      if (earlier && earlier.fingerprint !== fingerprint)
        throw new ProblemError('idempotency_mismatch', `the Idempotency-Key "${key}" was used for another request`);
      if (!earlier || earlier.status === null)
        throw new ProblemError('conflict', `the first request with the Idempotency-Key "${key}" is still under way`);
      void reply.status(earlier.status).header('idempotency-replayed', 'true');
      return earlier.body;
    }
    try {
      const body: unknown = await lastValueFrom(next.handle());
      await this.database.query('UPDATE idempotency SET status = $3, body = $4 WHERE actor = $1 AND key = $2', [
        actor,
        key,
        reply.statusCode,
        JSON.stringify(body),
      ]);
      return body;
    } catch (error) {
      await this.database
        .query('DELETE FROM idempotency WHERE actor = $1 AND key = $2', [actor, key])
        .catch(() => undefined);
      throw error;
    }
  }
}

import { createHash } from 'node:crypto';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { canonicalJson, ProblemError } from '@slipway/core';
import { type AuthenticatedRequest, httpRequestOf, operationOf, steadyNow } from '@slipway/platform';
import type { FastifyReply } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { Database } from '../database/database.store.ts';
import { Republish } from '../outbox/republish.ts';

type Earlier = { fingerprint: string; status: number; body: unknown };

/**
 * `Idempotency-Key` on every POST that changes something: the first success is stored for a day and answered again;
 * refusals are not stored. The effect of the request and its record are one transaction, so neither exists without the
 * other; a repeat that arrives while the first is under way waits for it. Keys belong to the caller: they are
 * distinguished by the API key's id. Values that an operation gives only once (a new API key) are not in the record.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  private readonly database: Database;
  private readonly routes: Republish;
  constructor(database: Database, routes: Republish) {
    this.database = database;
    this.routes = routes;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = httpRequestOf(context);
    const key = request?.headers['idempotency-key'];
    if (!request || key === undefined || operationOf(request)?.repeatable !== 'by key') return next.handle();
    return from(this.once(String(key), request, context.switchToHttp().getResponse<FastifyReply>(), next));
  }

  private async once(
    key: string,
    request: AuthenticatedRequest,
    reply: FastifyReply,
    next: CallHandler,
  ): Promise<unknown> {
    if (key.length === 0 || key.length > 255)
      throw new ProblemError('invalid_request', 'Idempotency-Key: 1 to 255 characters');
    const actor = request.caller?.id ?? '';
    const fingerprint = createHash('sha256')
      .update(`${request.url}\n${canonicalJson(request.body ?? null)}`)
      .digest('hex');
    const { replayed, status, body } = await this.database.transaction(async (sql) => {
      // The second request waits here until the first has ended.
      await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 3))', [`${actor}/${key}`]);
      const [earlier] = await sql.query<Earlier>(
        'SELECT fingerprint, status, body FROM idempotency WHERE actor = $1 AND key = $2',
        [actor, key],
      );
      if (earlier && earlier.fingerprint !== fingerprint)
        throw new ProblemError('idempotency_mismatch', `the Idempotency-Key "${key}" was used for another request`);
      if (earlier) return { replayed: true, status: earlier.status, body: earlier.body };
      const answer: unknown = await lastValueFrom(next.handle());
      await sql.query(
        'INSERT INTO idempotency (actor, key, fingerprint, status, body, created_at) VALUES ($1, $2, $3, $4, $5, $6)',
        [actor, key, fingerprint, reply.statusCode, JSON.stringify(remembered(request, answer)), steadyNow()],
      );
      return { replayed: false, status: reply.statusCode, body: answer };
    });
    if (replayed) void reply.status(status).header('idempotency-replayed', 'true');
    else this.routes.published();
    return body;
  }
}

/** The answer without the values that are given only once. */
function remembered(request: AuthenticatedRequest, answer: unknown): unknown {
  const once = operationOf(request)?.once ?? [];
  if (once.length === 0 || typeof answer !== 'object' || answer === null) return answer ?? null;
  return Object.fromEntries(Object.entries(answer).filter(([field]) => !once.includes(field)));
}

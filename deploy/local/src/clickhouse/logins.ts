import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { HttpError } from './errors.ts';

export type User = { passwordDigest: string; role: 'writer' | 'analyst'; maxBodyBytes: number };

function same(a: string, b: string): boolean {
  const x = Buffer.from(a);
  const y = Buffer.from(b);
  return x.length === y.length && timingSafeEqual(x, y);
}

/**
 * The login of a request, from address, headers or basic authentication.
 *
 * @param users by name, with the SHA-256 of their passwords in hexadecimal
 * @throws HttpError 401 for an unknown user or a wrong password
 */
export function authenticate(users: Readonly<Record<string, User>>, req: IncomingMessage, url: URL): User {
  let user = url.searchParams.get('user') ?? (req.headers['x-clickhouse-user'] as string | undefined);
  let password = url.searchParams.get('password') ?? (req.headers['x-clickhouse-key'] as string | undefined) ?? '';
  const basic = /^Basic (.+)$/i.exec(req.headers.authorization ?? '')?.[1];
  if (basic) {
    const [u = '', ...rest] = Buffer.from(basic, 'base64').toString('utf8').split(':');
    user ??= u;
    password ||= rest.join(':');
  }
  const known = Object.hasOwn(users, user ?? '') ? users[user ?? ''] : undefined;
  if (!known || !same(known.passwordDigest, createHash('sha256').update(password).digest('hex'))) {
    throw new HttpError(
      401,
      '516',
      'AUTHENTICATION_FAILED',
      `${user ?? 'default'}: Authentication failed: password is incorrect, or there is no user with such name`,
    );
  }
  return known;
}

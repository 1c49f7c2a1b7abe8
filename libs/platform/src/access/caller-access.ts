import { createHash } from 'node:crypto';
import { ProblemError } from '@slipway/core';
import { type Needed, type Route } from '@slipway/contracts';
import { Access } from './access.ts';

/** `open`: whoever reaches the port may use it. `key`: whoever shows a valid API key, of whatever role. */
export const accessPolicies = ['open', 'key'] as const;
export type AccessPolicy = (typeof accessPolicies)[number];

/** Open by default only where nobody else reaches it. @param host the address that the service listens on */
export function defaultAccess(host: string): AccessPolicy {
  return /^(127(\.\d{1,3}){3}|::1|localhost)$/.test(host) ? 'open' : 'key';
}

/** SHA-256, in hexadecimal, of the key in an `Authorization: Bearer` header; undefined without one. */
export function keyDigest(authorization: string | undefined): string | undefined {
  const key = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
  return key === undefined ? undefined : createHash('sha256').update(key).digest('hex');
}

/**
 * The API keys that are valid as far as the routes say: every route names them all, the newest keys count, whichever
 * clock the registry has that published them.
 */
export class CallerKeys {
  private revision = -1;
  private digests: ReadonlySet<string> = new Set();

  apply(route: Pick<Route, 'keys_revision' | 'caller_keys'>): void {
    if (route.keys_revision < this.revision) return;
    this.revision = route.keys_revision;
    this.digests = new Set(route.caller_keys);
  }

  knows(digest: string): boolean {
    return this.digests.has(digest);
  }
}

/** Whether an instance checks keys, and which ones are valid. */
export class CallerAccess extends Access {
  private readonly policy: AccessPolicy;
  private readonly keys: Pick<CallerKeys, 'knows'>;
  constructor(policy: AccessPolicy, keys: Pick<CallerKeys, 'knows'>) {
    super();
    this.policy = policy;
    this.keys = keys;
  }

  /** Nothing is known here of the keys' owners. @throws ProblemError unauthenticated; forbidden where a role counts */
  override require(authorization: string | undefined, needed: Needed): undefined {
    if (needed !== 'caller')
      throw new ProblemError('forbidden', `this needs the role ${needed}, which is not known here`);
    this.check(authorization);
  }

  /** @throws ProblemError unauthenticated */
  check(authorization: string | undefined): void {
    if (this.policy === 'open') return;
    const digest = keyDigest(authorization);
    if (digest === undefined) throw new ProblemError('unauthenticated', 'send an API key: Authorization: Bearer <key>');
    if (!this.keys.knows(digest)) throw new ProblemError('unauthenticated', 'the API key is not known, or was revoked');
  }
}

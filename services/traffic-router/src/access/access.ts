import { createHash } from 'node:crypto';
import { ProblemError } from '@slipway/contracts';

/** `open`: whoever reaches the router may use it. `key`: whoever shows a valid API key, of whatever role. */
export const accessPolicies = ['open', 'key'] as const;
export type AccessPolicy = (typeof accessPolicies)[number];

/** Open by default only where nobody else reaches it. @param host the address that the router listens on */
export function defaultAccess(host: string): AccessPolicy {
  return /^(127(\.\d{1,3}){3}|::1|localhost)$/.test(host) ? 'open' : 'key';
}

/** SHA-256, in hexadecimal, of the key in an `Authorization: Bearer` header; undefined without one. */
export function keyDigest(authorization: string | undefined): string | undefined {
  const key = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
  return key === undefined ? undefined : createHash('sha256').update(key).digest('hex');
}

/** Whether an instance checks keys, and which ones are valid as far as the routes say. */
export class Access {
  private readonly policy: AccessPolicy;
  private readonly routes: { knowsKey: (digest: string) => boolean };
  constructor(policy: AccessPolicy, routes: { knowsKey: (digest: string) => boolean }) {
    this.policy = policy;
    this.routes = routes;
  }

  /** @throws ProblemError unauthenticated */
  check(authorization: string | undefined): void {
    if (this.policy === 'open') return;
    const digest = keyDigest(authorization);
    if (digest === undefined) throw new ProblemError('unauthenticated', 'send an API key: Authorization: Bearer <key>');
    if (!this.routes.knowsKey(digest))
      throw new ProblemError('unauthenticated', 'the API key is not known, or was revoked');
  }
}

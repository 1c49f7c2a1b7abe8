import { mayActAs, type Needed, type Role } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';

/** The owner of an API key. */
export type KeyOwner = { id: string; name: string; role: Role };

/** Authorisation of a service's operations. Each service provides the source of its keys. */
export abstract class Access {
  /**
   * @param authorization the request's header
   * @returns the caller; undefined for operations that need no key
   * @throws ProblemError unauthenticated, forbidden, or unavailable while the keys have not been read
   */
  abstract require(
    authorization: string | undefined,
    needed: Needed,
  ): KeyOwner | undefined | Promise<KeyOwner | undefined>;
}

/** The key in an `Authorization` header, if there is one. */
export function shownKey(authorization: string | undefined): string | undefined {
  return /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
}

/** The key in an `Authorization` header. @throws ProblemError unauthenticated without one */
export function bearerKey(authorization: string | undefined): string {
  const key = shownKey(authorization);
  if (!key) throw new ProblemError('unauthenticated', 'send an API key: Authorization: Bearer <key>');
  return key;
}

/**
 * @param owner the owner of the key; undefined when the key is unknown
 * @throws ProblemError unauthenticated, or forbidden when the owner's role is not sufficient
 */
export function admitted<Owner extends KeyOwner>(owner: Owner | undefined, needed: Needed): Owner {
  if (!owner) throw new ProblemError('unauthenticated', 'the API key is not known, or was revoked');
  if (needed !== 'caller' && !mayActAs(owner.role, needed))
    throw new ProblemError(
      'forbidden',
      `this needs the role ${needed}; the key "${owner.name}" has the role ${owner.role}`,
    );
  return owner;
}

import type { Needed } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import { Access, admitted, bearerKey, type KeyOwner, shownKey } from './access.ts';
import { digestOf, type KeyRing } from './key-ring.ts';

/** `open`: whoever reaches the port may use it. `key`: whoever shows a valid API key, of whatever role. */
export const accessPolicies = ['open', 'key'] as const;
export type AccessPolicy = (typeof accessPolicies)[number];

/** Open by default only where nobody else reaches it. @param host the address that the service listens on */
export function defaultAccess(host: string): AccessPolicy {
  return /^(127(\.\d{1,3}){3}|::1|localhost)$/.test(host) ? 'open' : 'key';
}

/** Who may use a router or a worker: by its policy whoever calls, and for more by the role of the key. */
export class CallerAccess extends Access {
  private readonly policy: AccessPolicy;
  private readonly keys: Pick<KeyRing, 'owner'>;
  private readonly areKnown: () => boolean;
  /** @param areKnown whether the keys were read: before that, nobody can say that a key is not valid */
  constructor(policy: AccessPolicy, keys: Pick<KeyRing, 'owner'>, areKnown: () => boolean = () => true) {
    super();
    this.policy = policy;
    this.keys = keys;
    this.areKnown = areKnown;
  }

  override require(authorization: string | undefined, needed: Needed): KeyOwner | undefined {
    if (this.policy === 'open' && needed === 'caller') return undefined;
    const owner = this.keys.owner(digestOf(bearerKey(authorization)));
    if (!owner && !this.areKnown())
      throw new ProblemError('unavailable', 'the API keys are not known here yet; try again');
    return admitted(owner, needed);
  }

  /** Who shows a valid key, whether one is asked for or not. */
  ownerOf(authorization: string | undefined): KeyOwner | undefined {
    const key = shownKey(authorization);
    return key === undefined ? undefined : this.keys.owner(digestOf(key));
  }

  /** @throws ProblemError unauthenticated */
  check(authorization: string | undefined): void {
    this.require(authorization, 'caller');
  }
}

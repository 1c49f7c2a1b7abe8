import type { Needed } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import { Access, admitted, bearerKey, type KeyOwner, shownKey } from './access.ts';
import { digestOf, type KeyRing } from './key-ring.ts';

/** `open`: no key is needed. `key`: any valid API key is needed, whatever its role. */
export const accessPolicies = ['open', 'key'] as const;
export type AccessPolicy = (typeof accessPolicies)[number];

/** The default policy: open only on a loopback address. @param host the address that the service listens on */
export function defaultAccess(host: string): AccessPolicy {
  return /^(127(\.\d{1,3}){3}|::1|localhost)$/.test(host) ? 'open' : 'key';
}

/** Access to a router or a worker: its policy decides who may call models; other operations need a role. */
export class CallerAccess extends Access {
  private readonly policy: AccessPolicy;
  private readonly keys: Pick<KeyRing, 'owner'>;
  private readonly areKnown: () => boolean;
  /** @param areKnown whether the keys have been read; until then no key can be called invalid */
  constructor(policy: AccessPolicy, keys: Pick<KeyRing, 'owner'>, areKnown: () => boolean = () => true) {
    super();
    this.policy = policy;
    this.keys = keys;
    this.areKnown = areKnown;
  }

  override require(authorization: string | undefined, needed: Needed): KeyOwner | undefined {
    if (this.policy === 'open' && needed === 'caller') return undefined;
    const owner = this.keys.owner(digestOf(bearerKey(authorization)));
    if (!owner && !this.areKnown()) throw new ProblemError('unavailable', 'the API keys are not known yet; try again');
    return admitted(owner, needed);
  }

  /** The owner of the key that the caller sent; undefined without a valid key, whether or not the policy needs one. */
  ownerOf(authorization: string | undefined): KeyOwner | undefined {
    const key = shownKey(authorization);
    return key === undefined ? undefined : this.keys.owner(digestOf(key));
  }

  /** @throws ProblemError unauthenticated */
  check(authorization: string | undefined): void {
    this.require(authorization, 'caller');
  }
}

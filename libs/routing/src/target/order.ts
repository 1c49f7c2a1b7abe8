import type { Target } from '@slipway/contracts';
import { targetKey } from './target-key.ts';

/** The state of the targets at one moment: which are ejected, and when the next probe of each is due. */
export interface EjectedTargets {
  /** No target is ejected. */
  readonly isEmpty: boolean;
  isEjected(key: string): boolean;
  /** The target is ejected, and its next probe is due. */
  isDue(key: string): boolean;
}

/** An address to try. `probe`: it is ejected, and this request is its probe. */
export type Place = { address: string; key: string; probe: boolean };

/**
 * The addresses of a version to try, in order. An ejected one comes first when its probe is due; otherwise it comes
 * last, and only when `ejectedToo`. When every address of all arms of an endpoint fails, the cause is shared and none
 * counts as ejected, because otherwise the arm that was ejected first would look better or worse than the others.
 * @param beside the versions of the endpoint's other arms
 * @param turn counts the requests, to rotate over the addresses
 */
export function orderOf(
  target: Target,
  beside: readonly Target[],
  { ejectedToo, states, turn }: { ejectedToo: boolean; states: EjectedTargets; turn: number },
): Place[] {
  const { addresses } = target;
  const places: Place[] = addresses.map((_, i) => {
    const address = addresses[(turn + i) % addresses.length] as string;
    return { address, key: targetKey(target, address), probe: false };
  });
  if (states.isEmpty || places.length === 0 || isOutage(target, beside, states)) return places;
  const up = places.filter(({ key }) => !states.isEjected(key));
  const due = places.find(({ key }) => states.isDue(key));
  const rest = ejectedToo ? places.filter((p) => p !== due && !up.includes(p)) : [];
  return [...(due ? [{ ...due, probe: true }] : []), ...up, ...rest];
}

/**
 * Whether a request of this version would not be tried at all now (`orderOf` would return no address, except as a last
 * resort). Also asked for requests of the other arms: a request that cannot count for one arm must not count for the
 * others.
 */
export function isOut(target: Target, beside: readonly Target[], states: EjectedTargets): boolean {
  const { addresses } = target;
  if (states.isEmpty) return addresses.length === 0;
  if (addresses.length > 0 && isOutage(target, beside, states)) return false;
  return addresses.every((a) => {
    const key = targetKey(target, a);
    return states.isEjected(key) && !states.isDue(key);
  });
}

/** Whether every address of all arms is ejected. */
export function isOutage(target: Target, beside: readonly Target[], states: EjectedTargets): boolean {
  const others = beside.filter((t) => t.addresses.length > 0);
  return (
    others.length > 0 && [target, ...others].every((t) => t.addresses.every((a) => states.isEjected(targetKey(t, a))))
  );
}

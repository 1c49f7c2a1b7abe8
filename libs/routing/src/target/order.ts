import type { Target } from '@slipway/contracts';
import { targetKey } from './target-key.ts';

/** The state of the targets at one moment: which are ejected, and when the next probe of each is due. */
export interface EjectedTargets {
  /** Nothing is held against any target. */
  readonly isEmpty: boolean;
  isEjected(key: string): boolean;
  /** It is ejected, and it is time to try it once. */
  isDue(key: string): boolean;
}

/** An address in its turn. `probe`: it is ejected, and this request tells whether it works again. */
export type Place = { address: string; key: string; probe: boolean };

/**
 * The addresses of a version to try, in turn order. An ejected one comes first when it is time to probe it, else last,
 * and only when `ejectedToo`. When every address of an endpoint, of all arms, fails, the fault is shared, and none
 * counts as ejected: else the arm that was ejected first would look better or worse than the others.
 * @param beside the versions of the endpoint's other arms; with one arm there is nothing to be fair between
 * @param turn counts the requests: they take the addresses in turn
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
 * Whether a request of this version would not be tried there now (`orderOf` would give nothing, were it not the last
 * resort). Asked for the other arms' requests: what is no event of one arm is none of the others'.
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

/** Every address of all arms is ejected. */
export function isOutage(target: Target, beside: readonly Target[], states: EjectedTargets): boolean {
  const others = beside.filter((t) => t.addresses.length > 0);
  return (
    others.length > 0 && [target, ...others].every((t) => t.addresses.every((a) => states.isEjected(targetKey(t, a))))
  );
}

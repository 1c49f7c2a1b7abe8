import { formatVersion } from '@slipway/core';
import { type Target } from '@slipway/contracts';

/** `refused`: it was not there (no connection, or not this version); it may be taken back once it says it is ready. */
type Health = { failures: number; ejection: { since: number; probeAt: number; refused: boolean } | undefined };

/** Consecutive failures after which a target is ejected; one that refuses connections is ejected at once. */
const FAILURES_TO_EJECT = 3;
/** An ejected target gets one request of this many milliseconds, which tells whether it works again. */
const PROBE_MS = 1000;

export const targetKey = (target: Target, address: string): string => `${formatVersion(target)}@${address}`;

export function parseTargetKey(key: string): { model: string; version: string; address: string } {
  const at = key.indexOf('@');
  const [model = '', version = ''] = key.slice(0, at).split(':');
  return { model, version, address: key.slice(at + 1) };
}

/**
 * Which addresses answer for a version, and which of them are ejected because they failed. Pure, with a clock that is
 * passed in. Ejection protects users at once; it changes nothing about which arm a request belongs to. An ejected
 * target stays so until a request succeeds there: one a second is let through. When every address of an endpoint, of
 * both arms, fails, the fault is shared, and nobody is ejected: else the arm that was ejected first would look better
 * or worse than the other.
 */
export class Targets {
  private readonly health = new Map<string, Health>();
  private turn = 0;
  private readonly clock: () => number;
  /** @param clock monotonic milliseconds */
  constructor(clock: () => number) {
    this.clock = clock;
  }

  /**
   * The addresses to try, in turn order. An ejected one comes first when it is time to probe it, else last, and only
   * when `ejectedToo`.
   * @param beside the version of the endpoint's other arm
   */
  order(target: Target, ejectedToo: boolean, beside?: Target | null): string[] {
    const { addresses } = target;
    if (addresses.length === 0) return [];
    const start = this.turn++ % addresses.length;
    const rotated = [...addresses.slice(start), ...addresses.slice(0, start)];
    if (this.outage(target, beside)) return rotated;
    const up = rotated.filter((a) => !this.isEjected(targetKey(target, a)));
    const probed = rotated.find((a) => this.claimProbe(targetKey(target, a)));
    const rest = ejectedToo ? rotated.filter((a) => a !== probed && !up.includes(a)) : [];
    return [...(probed === undefined ? [] : [probed]), ...up, ...rest];
  }

  /**
   * Whether a request of this version would not be tried there now (`order` would give nothing, were it not the last
   * resort). Claims no probe. Asked for the other arm's requests: what is no event of one arm is none of the other's.
   */
  isOut(target: Target, beside?: Target | null): boolean {
    const { addresses } = target;
    if (this.health.size === 0) return addresses.length === 0;
    if (addresses.length > 0 && this.outage(target, beside)) return false;
    return addresses.every((a) => {
      const key = targetKey(target, a);
      return this.isEjected(key) && !this.isProbeDue(key);
    });
  }

  private isProbeDue(key: string): boolean {
    const ejection = this.health.get(key)?.ejection;
    return ejection !== undefined && ejection.probeAt <= this.clock();
  }

  private claimProbe(key: string): boolean {
    const ejection = this.health.get(key)?.ejection;
    if (!ejection || !this.isProbeDue(key)) return false;
    ejection.probeAt = this.clock() + PROBE_MS;
    return true;
  }

  /** Every address of both arms is ejected; with one arm only there is nothing to be fair between. */
  private outage(target: Target, beside: Target | null | undefined): boolean {
    return (
      !!beside &&
      beside.addresses.length > 0 &&
      [target, beside].every((t) => t.addresses.every((a) => this.isEjected(targetKey(t, a))))
    );
  }

  isEjected(key: string): boolean {
    return this.health.get(key)?.ejection !== undefined;
  }

  /** It answered a request: whatever was held against it is forgotten. */
  succeeded(key: string): void {
    this.health.delete(key);
  }

  /** It says that it is ready. That takes back what was not there, not what answered with errors or not at all. */
  ready(key: string): void {
    if (this.health.get(key)?.ejection?.refused) this.health.delete(key);
  }

  /** @param refused nothing listens there, or not that version @returns whether the target was ejected by this */
  failed(key: string, refused: boolean): boolean {
    const h = this.health.get(key) ?? { failures: 0, ejection: undefined };
    this.health.set(key, h);
    h.failures++;
    const now = this.clock();
    if (h.ejection) {
      h.ejection.probeAt = now + PROBE_MS;
      h.ejection.refused = refused;
      return false;
    }
    if (!refused && h.failures < FAILURES_TO_EJECT) return false;
    h.ejection = { since: now, probeAt: now + PROBE_MS, refused };
    return true;
  }

  /** Of a version's addresses those that are ejected, with the milliseconds since; empty in an outage of both arms. */
  ejected(target: Target, beside?: Target | null): { key: string; ms: number }[] {
    if (this.outage(target, beside)) return [];
    return target.addresses.flatMap((address) => {
      const key = targetKey(target, address);
      const since = this.health.get(key)?.ejection?.since;
      return since === undefined ? [] : [{ key, ms: this.clock() - since }];
    });
  }

  /** Every key that is ejected, for whoever asks whether it is ready again. */
  down(): string[] {
    return [...this.health.keys()].filter((key) => this.isEjected(key)).sort();
  }

  /** Forgets the targets that no route names any more. */
  retain(keys: ReadonlySet<string>): void {
    for (const key of this.health.keys()) if (!keys.has(key)) this.health.delete(key);
  }
}

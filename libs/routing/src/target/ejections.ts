import type { Target } from '@slipway/contracts';
import { type EjectedTargets, isOutage } from './order.ts';
import { targetKey } from './target-key.ts';

/**
 * `refused`: the target was not there (no connection, or not this version); a successful readiness probe restores it.
 */
type Ejection = { since: number; probeAt: number; refused: boolean };
type Health = { failures: number; ejection: Ejection | undefined };

/** Consecutive failures after which a target is ejected. One that refuses connections is ejected at once. */
const FAILURES_TO_EJECT = 3;
/** An ejected target gets one request in this many milliseconds, as a probe. */
const PROBE_MS = 1000;

/**
 * Keeps track of the targets that are ejected because they failed. Ejection protects users at once and never changes
 * the arm that a request belongs to. A target stays ejected until a request to it succeeds; one request a second is let
 * through. Pure, with the clock passed in.
 */
export class Ejections implements EjectedTargets {
  private readonly health = new Map<string, Health>();
  private readonly clock: () => number;
  /** @param clock monotonic milliseconds */
  constructor(clock: () => number) {
    this.clock = clock;
  }

  get isEmpty(): boolean {
    return this.health.size === 0;
  }

  isEjected(key: string): boolean {
    return this.get(key) !== undefined;
  }

  isDue(key: string): boolean {
    const ejection = this.get(key);
    return ejection !== undefined && ejection.probeAt <= this.clock();
  }

  private get(key: string): Ejection | undefined {
    return this.health.get(key)?.ejection;
  }

  /** Claims the probe of an ejected target that is due for one; the next one is due a second later. */
  claim(key: string): void {
    const ejection = this.get(key);
    if (ejection) ejection.probeAt = this.clock() + PROBE_MS;
  }

  /** Records a success: the target is no longer ejected, and its failures are forgotten. */
  succeeded(key: string): void {
    this.health.delete(key);
  }

  /**
   * Records a successful readiness probe. It restores a target that was not there, not one that failed or timed out.
   */
  ready(key: string): void {
    if (this.get(key)?.refused) this.health.delete(key);
  }

  /**
   * Records a failure.
   * @param refused nothing listens there, or not that version
   * @returns whether this ejected the target
   */
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

  /**
   * The ejected targets of a version, with the milliseconds since the ejection; empty when all targets of all arms
   * fail.
   * @param beside the versions of the endpoint's other arms
   */
  ejected(target: Target, beside: readonly Target[]): { key: string; ms: number }[] {
    if (isOutage(target, beside, this)) return [];
    return target.addresses.flatMap((address) => {
      const key = targetKey(target, address);
      const since = this.get(key)?.since;
      return since === undefined ? [] : [{ key, ms: this.clock() - since }];
    });
  }

  /** The keys of all ejected targets, for readiness probes. */
  down(): string[] {
    return [...this.health.keys()].filter((key) => this.isEjected(key)).sort();
  }

  /** Forgets the targets that no route names any more. */
  retain(keys: ReadonlySet<string>): void {
    for (const key of this.health.keys()) if (!keys.has(key)) this.health.delete(key);
  }
}

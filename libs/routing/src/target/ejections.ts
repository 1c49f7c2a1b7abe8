import type { Target } from '@slipway/contracts';
import { type EjectedTargets, isOutage } from './order.ts';
import { targetKey } from './target-key.ts';

/** `refused`: it was not there (no connection, or not this version); it may be taken back once it says it is ready. */
type Ejection = { since: number; probeAt: number; refused: boolean };
type Health = { failures: number; ejection: Ejection | undefined };

/** Consecutive failures after which a target is ejected; one that refuses connections is ejected at once. */
const FAILURES_TO_EJECT = 3;
/** An ejected target gets one request of this many milliseconds, which tells whether it works again. */
const PROBE_MS = 1000;

/**
 * Which targets are ejected because they failed. Ejection protects users at once; it changes nothing about which arm a
 * request belongs to. An ejected target stays so until a request succeeds there: one a second is let through. Pure,
 * with a clock that is passed in.
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

  /** Claims the probe of an ejected target that is due for one: the next is due a second later. */
  claim(key: string): void {
    const ejection = this.get(key);
    if (ejection) ejection.probeAt = this.clock() + PROBE_MS;
  }

  /** It answered a request: whatever was held against it is forgotten. */
  succeeded(key: string): void {
    this.health.delete(key);
  }

  /** It says that it is ready. That takes back what was not there, not what answered with errors or not at all. */
  ready(key: string): void {
    if (this.get(key)?.refused) this.health.delete(key);
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

  /**
   * Of a version's targets those that are ejected, with the milliseconds since; empty in an outage of all arms.
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

  /** Every key that is ejected, for whoever asks whether it is ready again. */
  down(): string[] {
    return [...this.health.keys()].filter((key) => this.isEjected(key)).sort();
  }

  /** Forgets the targets that no route names any more. */
  retain(keys: ReadonlySet<string>): void {
    for (const key of this.health.keys()) if (!keys.has(key)) this.health.delete(key);
  }
}

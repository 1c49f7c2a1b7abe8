import { formatVersion, type Target } from '@slipway/contracts';

type Health = { failures: number; ejections: number; ejectedUntil: number };

/** Consecutive failures after which a target is ejected; one that refuses connections is ejected at once. */
const FAILURES_TO_EJECT = 3;
const FIRST_EJECTION_MS = 1000;
const LONGEST_EJECTION_MS = 30_000;

export const targetKey = (target: Target, address: string): string => `${formatVersion(target)}@${address}`;

export function parseTargetKey(key: string): { model: string; version: string; address: string } {
  const at = key.indexOf('@');
  const [model = '', version = ''] = key.slice(0, at).split(':');
  return { model, version, address: key.slice(at + 1) };
}

/**
 * Which addresses answer for a version, and which of them are ejected because they failed. Ejection protects users at
 * once; it changes
 * nothing about which arm a request belongs to.
 */
export class Targets {
  private readonly health = new Map<string, Health>();
  private turn = 0;
  private readonly clock: () => number;
  constructor(clock: () => number) {
    this.clock = clock;
  }

  /** The addresses to try, in turn order, ejected ones last and only when `ejectedToo`. */
  order(target: Target, ejectedToo: boolean): string[] {
    const { addresses } = target;
    if (addresses.length === 0) return [];
    const start = this.turn++ % addresses.length;
    const rotated = [...addresses.slice(start), ...addresses.slice(0, start)];
    const up = rotated.filter((a) => !this.isEjected(targetKey(target, a)));
    return ejectedToo ? [...up, ...rotated.filter((a) => !up.includes(a))] : up;
  }

  isEjected(key: string): boolean {
    return (this.health.get(key)?.ejectedUntil ?? 0) > this.clock();
  }

  succeeded(key: string): void {
    this.health.delete(key);
  }

  /** @param refused nothing listens there, or the connection broke @returns whether the target was ejected by this */
  failed(key: string, refused: boolean): boolean {
    const h = this.health.get(key) ?? { failures: 0, ejections: 0, ejectedUntil: 0 };
    h.failures++;
    const eject = refused || h.failures >= FAILURES_TO_EJECT;
    if (eject) {
      h.ejectedUntil = this.clock() + Math.min(LONGEST_EJECTION_MS, FIRST_EJECTION_MS * 2 ** h.ejections);
      h.ejections++;
      h.failures = 0;
    }
    this.health.set(key, h);
    return eject;
  }

  ejected(): string[] {
    return [...this.health.keys()].filter((key) => this.isEjected(key)).sort();
  }
}

/** Until when nothing follows on a rollout by itself, and whether a change of the world may change that. */
export type Outlook = {
  /** Milliseconds, by the registry's clock. */
  again: number;
  onWorld: boolean;
};

/** What a transaction that is not over yet will have changed is seen this much later. */
const RECHECK_MS = 250;

/**
 * When the conductor looks at which rollout: at the instant that its last look named, when the world that it waits for
 * has changed, and when it is woken. In memory only: whatever is missing here, the sweep finds.
 */
export class Schedule {
  private readonly entries = new Map<string, Outlook & { recheck: number }>();

  /** Something has happened to it, or is about to: it is looked at now, and once more a moment later. */
  wake(id: string, now: number): void {
    this.entries.set(id, { again: now, onWorld: false, recheck: now + RECHECK_MS });
  }

  /** After a look. @param began when the look read the rollout: what woke it since then is looked at again */
  put(id: string, { again, onWorld }: Outlook, began: number): void {
    const recheck = this.recheckOf(id, began);
    this.entries.set(id, { again: Math.min(again, recheck), onWorld, recheck });
  }

  /** After a look that found it settled, or not there (yet). @param began as of `put` */
  gone(id: string, began: number): void {
    const recheck = this.recheckOf(id, began);
    if (recheck === Number.POSITIVE_INFINITY) this.entries.delete(id);
    else this.entries.set(id, { again: recheck, onWorld: false, recheck });
  }

  private recheckOf(id: string, began: number): number {
    const recheck = this.entries.get(id)?.recheck ?? 0;
    return recheck > began ? recheck : Number.POSITIVE_INFINITY;
  }

  /** Those that are to be looked at now. @param worldChanged since the last time that it was asked */
  due(now: number, worldChanged: boolean): string[] {
    return [...this.entries].flatMap(([id, e]) => (e.again <= now || (worldChanged && e.onWorld) ? [id] : []));
  }

  all(): string[] {
    return [...this.entries.keys()];
  }
}

import { type Instance, LIVE_MS, type LoadedVersion } from '@slipway/contracts';

/** Instances not seen for so long are tombstoned. */
export const FORGET_MS = 60_000;

type Seen = { instance: Instance; arrivedMs: number };

/**
 * The live instances, from the heartbeats on `instances.v1`. Time is the topic's own (arrival at Kafka): an instance is
 * live when its last heartbeat is less than 5 s older than the newest of all. So nobody times out while Kafka is
 * unavailable, and the clocks of services do not matter. A broker's clock that was ahead and is put back does not
 * matter either: an instance that is heard of at an earlier time than before shows that the times of the others were
 * too late as well.
 */
export class LiveInstances {
  private readonly seen = new Map<string, Seen>();
  private newestMs = 0;
  /** Of each, what decisions go by. */
  private readonly said = new Map<string, string>();
  private live = '';
  private changeCount = 0;

  apply(id: string, instance: Instance | undefined, arrivedMs: number): void {
    if (instance && arrivedMs < (this.seen.get(id)?.arrivedMs ?? 0)) {
      for (const s of this.seen.values()) s.arrivedMs = Math.min(s.arrivedMs, arrivedMs);
      this.newestMs = arrivedMs;
    }
    if (instance) this.seen.set(id, { instance, arrivedMs });
    else this.seen.delete(id);
    this.newestMs = Math.max(this.newestMs, arrivedMs);
    const says = instance && JSON.stringify([instance.kind, instance.address, instance.versions, instance.applied]);
    if (says === this.said.get(id)) return;
    if (says === undefined) this.said.delete(id);
    else this.said.set(id, says);
    this.changeCount++;
  }

  /**
   * Grows whenever something has changed that decisions and routes go by: who is alive, where, with which versions, and
   * which routes it has applied.
   */
  changes(): number {
    const live = [...this.seen].flatMap(([id, s]) => (this.newestMs - s.arrivedMs < LIVE_MS ? [id] : [])).join();
    if (live !== this.live) {
      this.live = live;
      this.changeCount++;
    }
    return this.changeCount;
  }

  private within(ms: number): Instance[] {
    return [...this.seen.values()].filter((s) => this.newestMs - s.arrivedMs < ms).map((s) => s.instance);
  }

  routers(): Instance[] {
    return this.within(LIVE_MS).filter((i) => i.kind === 'router');
  }

  /** Routers heard of within `ms`: a silent router may still be serving until its lease ends. */
  routersWithin(ms: number): Instance[] {
    return this.within(ms).filter((i) => i.kind === 'router');
  }

  workers(): Instance[] {
    return this.within(LIVE_MS).filter((i) => i.kind === 'worker');
  }

  /** Addresses of live workers with the version warm, in a stable order. */
  addressesOf(model: string, version: number, digest: string): string[] {
    return this.workers()
      .filter((w) =>
        w.versions.some((v) => v.model === model && v.version === version && v.digest === digest && v.state === 'warm'),
      )
      .map((w) => w.address)
      .sort();
  }

  /** Addresses of live workers that do not report that they cannot load the version. */
  mayReturn(model: string, version: number): string[] {
    return this.workers()
      .filter((w) => !w.versions.some((v) => v.model === model && v.version === version && v.state === 'failed'))
      .map((w) => w.address);
  }

  /** The errors of workers that could not load a version; at most one for each worker. */
  failures(model: string, version: number, digest: string): LoadedVersion[] {
    return this.workers().flatMap((w) =>
      w.versions
        .filter((v) => v.model === model && v.version === version && v.digest === digest && v.state === 'failed')
        .slice(0, 1),
    );
  }

  forgotten(): string[] {
    return [...this.seen.entries()].filter(([, s]) => this.newestMs - s.arrivedMs > FORGET_MS).map(([id]) => id);
  }
}

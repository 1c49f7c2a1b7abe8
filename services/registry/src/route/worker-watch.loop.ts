import { formatVersion } from '@slipway/core';
import { topics } from '@slipway/contracts';
import { type Logger, type RecordProducer, steadyNow } from '@slipway/platform';
import type { Database } from '../database/database.store.ts';
import type { RouteStore } from './route.store.ts';
import type { LiveInstances } from '../instance/live-instances.ts';

/**
 * Recompiles the routes when the live workers, or what they have warm, change; tombstones instances that are long gone.
 */
export class WorkerWatch {
  private readonly parts: {
    database: Database;
    routes: RouteStore;
    instances: LiveInstances;
    producer: RecordProducer;
    log: Logger;
    known: () => boolean;
  };
  private timer: NodeJS.Timeout | undefined;
  private last = '';
  /** What {@link LiveInstances.changes} was when the routes were compiled. */
  private seen = -1;
  private busy = false;

  constructor(parts: WorkerWatch['parts']) {
    this.parts = parts;
  }

  start(everyMs = 200): void {
    this.timer = setInterval(() => void this.look(), everyMs);
  }

  close(): void {
    clearInterval(this.timer);
  }

  async look(): Promise<void> {
    const { database, routes, instances, producer, log, known } = this.parts;
    if (this.busy || !known()) return;
    const changes = instances.changes();
    const forgotten = instances.forgotten();
    if (changes === this.seen && forgotten.length === 0) return;
    const picture = JSON.stringify(
      instances
        .workers()
        .map((w) => [
          w.address,
          w.versions
            .filter((v) => v.state === 'warm' || v.state === 'failed')
            .map((v) => `${formatVersion(v)} ${v.digest} ${v.state}`)
            .sort(),
        ])
        .sort(),
    );
    if (picture === this.last && forgotten.length === 0) {
      this.seen = changes;
      return;
    }
    this.busy = true;
    try {
      await database.transaction((sql) => routes.recompileAll(sql, steadyNow()));
      routes.published();
      if (forgotten.length > 0) {
        await producer.publish(
          topics.instances,
          forgotten.map((key) => ({ key, value: null })),
        );
        for (const id of forgotten) instances.apply(id, undefined, 0);
      }
      this.last = picture;
      this.seen = changes;
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'the routes could not be compiled; tried again later');
    } finally {
      this.busy = false;
    }
  }
}

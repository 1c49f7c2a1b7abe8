import { trialsSchema } from '@slipway/contracts';
import type { Logger } from '@slipway/platform';
import type { ModelSet } from './model-set.client.ts';

/** Asks the registries which versions have not been loaded yet and loads them; heartbeats report the results. */
export class TrialLoop {
  private readonly parts: { models: ModelSet; registryUrls: readonly string[]; key: string; log: Logger };
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(parts: TrialLoop['parts']) {
    this.parts = parts;
  }

  start(everyMs = 500): void {
    const again = () =>
      void this.look().finally(() => {
        if (!this.closed) this.timer = setTimeout(again, everyMs);
      });
    again();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  /** While no registry answers, the versions on trial stay the same. */
  private async look(): Promise<void> {
    const { models, registryUrls, key, log } = this.parts;
    for (const url of registryUrls) {
      try {
        const response = await fetch(`${url.replace(/\/$/, '')}/v1/trials`, {
          headers: { authorization: `Bearer ${key}` },
          redirect: 'error',
          signal: AbortSignal.timeout(5000),
        });
        if (!response.ok) throw new Error(`answered ${response.status}`);
        return models.tryOut(trialsSchema.parse(await response.json()).items);
      } catch (error) {
        log.debug({ registry: url, error: (error as Error).message }, 'the answer does not list the versions to try');
      }
    }
  }
}

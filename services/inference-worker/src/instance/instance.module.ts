import type { Instance, Route } from '@slipway/contracts';
import { formatVersion } from '@slipway/core';
import { type Feature, type RecordProducer, runHeartbeat, type ServiceContext, steadyNow } from '@slipway/platform';
import type { ModelSet } from '../model/model-set.client.ts';

type Described = {
  /** Identifies this run of the process. */
  boot: string;
  models: Pick<ModelSet, 'all' | 'versions'>;
  /** By endpoint. */
  routes: ReadonlyMap<string, Route>;
};

/** Reports to the registry that this worker is alive, and what it has loaded. @returns `now` reports at once */
export function heartbeat(
  producer: RecordProducer,
  { boot, models, routes }: Described,
  config: { INSTANCE_ID: string; ADDRESS: string },
  { log, onClose }: ServiceContext,
): { now: () => void; feature: Feature } {
  const describe = (): Instance => {
    const loaded = models.all();
    const provider = loaded[0]?.provider;
    return {
      instance_id: config.INSTANCE_ID,
      kind: 'worker',
      boot,
      address: config.ADDRESS,
      time: steadyNow(),
      applied: Object.fromEntries([...routes].map(([endpoint, { revision }]) => [endpoint, revision])),
      versions: models.versions(),
      ejections: [],
      counters: Object.fromEntries(loaded.map((m) => [`waiting_rows.${formatVersion(m.spec)}`, m.waitingRows])),
      notes: provider === undefined ? {} : { execution_provider: provider },
    };
  };
  const beat = runHeartbeat(producer, log, describe);
  onClose('heartbeat', () => beat.stop());
  return { now: beat.now, feature: { started: beat.start } };
}

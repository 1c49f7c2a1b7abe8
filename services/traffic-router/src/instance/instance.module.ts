import type { Instance } from '@slipway/contracts';
import { type Feature, type RecordProducer, runHeartbeat, type ServiceContext, steadyNow } from '@slipway/platform';
import type { Ejections } from '@slipway/routing';
import type { InferProxy } from '../inference/infer.proxy.ts';
import type { RowJournal } from '../journal/rows.journal.ts';
import type { RouteTable } from '../routing/route-table.ts';
import { ejectedOf } from '../target/ejected.ts';

type Described = {
  /** Names this life of the process. */
  boot: string;
  routes: RouteTable;
  ejections: Ejections;
  proxy: Pick<InferProxy, 'answered' | 'inFlight'>;
  journals: Record<'predictions' | 'outcomes' | 'shadows', Pick<RowJournal, 'waitingBytes' | 'refused'>>;
};

/** Tells the registry that this router is alive, and what it does. @returns `now` tells it at once */
export function heartbeat(
  producer: RecordProducer,
  described: Described,
  config: { INSTANCE_ID: string; ADDRESS: string },
  { log, onClose }: ServiceContext,
): { now: () => void; feature: Feature } {
  const beat = runHeartbeat(producer, log, () => describe(described, config));
  onClose('heartbeat', () => beat.stop());
  return { now: beat.now, feature: { started: beat.start } };
}

function describe(
  { boot, routes, ejections, proxy, journals: { predictions, outcomes, shadows } }: Described,
  config: { INSTANCE_ID: string; ADDRESS: string },
): Instance {
  const all = routes.all();
  const leases = all.filter((r) => routes.lacksLease(r)).map((r) => r.endpoint);
  const ejected = all.flatMap((r) => ejectedOf(ejections, r));
  return {
    instance_id: config.INSTANCE_ID,
    kind: 'router',
    boot,
    address: config.ADDRESS,
    time: steadyNow(),
    applied: routes.applied(),
    versions: [],
    ejections: ejected.map((e) => e.key),
    ejected_ms: Object.fromEntries(ejected.map((e) => [e.key, Math.round(e.ms)])),
    counters: {
      answered: proxy.answered,
      in_flight: proxy.inFlight,
      journal_bytes: predictions.waitingBytes + outcomes.waitingBytes + shadows.waitingBytes,
      journal_refused: predictions.refused + outcomes.refused,
    },
    notes: leases.length > 0 ? { lease_expired: leases.join(',') } : {},
  };
}

import type { Target } from '@slipway/contracts';
import { formatVersion } from '@slipway/core';
import { measured, type ServiceContext, TargetClient, workerHeaders } from '@slipway/platform';
import { protocolNamed } from '@slipway/protocol';
import { Ejections, targetKey, targetsOf } from '@slipway/routing';
import type { RouteTable } from '../routing/route-table.ts';

/** What is ejected is asked so often whether it is ready again. */
const PROBE_MS = 1000;

/** Who is asked: the connections to the targets of the routes, and which of them are ejected. */
export function targets(
  routes: RouteTable,
  config: {
    CONNECTIONS_PER_TARGET: number;
    WAITING_PER_TARGET: number;
    MAX_BYTES_IN_FLIGHT: number;
    WORKER_KEY?: string | undefined;
  },
  { onClose }: ServiceContext,
): { client: TargetClient; ejections: Ejections } {
  const ejections = new Ejections(() => performance.now());
  const client = new TargetClient({
    connections: config.CONNECTIONS_PER_TARGET,
    waiting: config.WAITING_PER_TARGET,
    bytes: config.MAX_BYTES_IN_FLIGHT / 4,
  });
  onClose('targets', () => client.close());
  const probe = () => {
    const named = new Map<string, { target: Target; address: string }>();
    for (const route of routes.all())
      for (const target of targetsOf(route))
        for (const address of target.addresses) named.set(targetKey(target, address), { target, address });
    const keys = new Set(named.keys());
    ejections.retain(keys);
    client.retain(keys);
    for (const key of ejections.down()) {
      const { target, address } = named.get(key) ?? {};
      const protocol = target && protocolNamed(target.protocol);
      if (!protocol || !address) continue;
      void client
        .probe(address, protocol.probe(target), protocol.isReady, workerHeaders(target, config.WORKER_KEY))
        .then((up) => up && ejections.ready(key));
    }
  };
  const probing = setInterval(probe, PROBE_MS);
  onClose('probing', () => clearInterval(probing));
  measured(
    'slipway_router_targets',
    'Addresses of the versions that take traffic, by whether they are ejected',
    ['endpoint', 'version', 'state'],
    () =>
      routes.all().flatMap((route) =>
        targetsOf(route).flatMap((target) => {
          const ejected = target.addresses.filter((a) => ejections.isEjected(targetKey(target, a))).length;
          const of = { endpoint: route.endpoint, version: formatVersion(target) };
          return [
            { labels: { ...of, state: 'up' }, value: target.addresses.length - ejected },
            { labels: { ...of, state: 'ejected' }, value: ejected },
          ];
        }),
      ),
  );
  return { client, ejections };
}

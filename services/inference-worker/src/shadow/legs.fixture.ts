import { Asker, createLogger, TargetClient } from '@slipway/platform';
import { protocols } from '@slipway/protocol';
import { Ejections } from '@slipway/routing';
import { type Leg, LegClient, type LegParts } from './leg.client.ts';

const [oip] = protocols;

const nothingLoaded: LegParts['models'] = { find: () => undefined };

/** The legs of a lane that asks other servers by a client of its own; `close` ends its connections. */
export function startLegs(routes: LegParts['routes'], models = nothingLoaded) {
  const ejections = new Ejections(() => performance.now());
  const client = new TargetClient({ connections: 4, waiting: 4 });
  const log = createLogger('test', 'test', 'silent');
  const asker = new Asker({ ejections, client, log, onEjected: () => undefined });
  const legs = new LegClient({ models, routes, asker, ejections });
  return { legs, ejections, close: () => client.close() };
}

export const legOf = (change: Partial<Leg>): Leg => ({
  endpoint: 'spam',
  protocol: oip,
  version: 'spam:2',
  body: Buffer.from('{}'),
  requestId: 'r',
  traceparent: '',
  ...change,
});

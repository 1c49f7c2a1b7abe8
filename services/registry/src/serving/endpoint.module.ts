import { type Feature, provided } from '@slipway/platform';
import type { Database } from '../database/database.store.ts';
import type { RolloutStore } from '../rollout/rollout.store.ts';
import type { RouteStore } from '../route/route.store.ts';
import type { Trials } from '../trial/trial.loop.ts';
import { EndpointController } from './endpoint.controller.ts';
import { EndpointService } from './endpoint-service.store.ts';

/** What is done to an endpoint: created, rolled back, retired. */
export function endpointFeature(
  database: Database,
  routes: RouteStore,
  rollouts: RolloutStore,
  trials: Trials,
): Feature {
  return {
    controllers: [EndpointController],
    providers: [provided(EndpointService, new EndpointService(database, routes, rollouts, trials))],
  };
}

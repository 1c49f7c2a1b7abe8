import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { registryApi } from '@slipway/contracts';
import {
  createKafka,
  DeadLetters,
  RecordProducer,
  type ServiceContext,
  type ServiceParts,
  together,
} from '@slipway/platform';
import { IdempotencyInterceptor } from './access/idempotency.controller.ts';
import { artifactFeature } from './artifact/artifact.module.ts';
import { auditFeature } from './audit/audit.module.ts';
import type { Config } from './config.ts';
import { openDatabase } from './database/database.module.ts';
import { liveInstances } from './instance/instance.module.ts';
import { keyFeature } from './key/key.module.ts';
import { metricFeature } from './metric/metric.module.ts';
import { modelFeature } from './model/model.module.ts';
import { outbox } from './outbox/outbox.module.ts';
import { requestFeature } from './request/request.module.ts';
import { rolloutFeature } from './rollout/rollout.module.ts';
import { routeFeature } from './route/route.module.ts';
import { endpointFeature } from './serving/endpoint.module.ts';
import { StorableGuard } from './storable.guard.ts';
import { trialFeature } from './trial/trial.module.ts';

/** The control plane: what exists, what serves, what is being released, and who changed it. */
export async function registry(config: Config, context: ServiceContext): Promise<ServiceParts> {
  const { log, onClose } = context;
  const { database, feature: postgres } = await openDatabase(config, context);
  const kafka = createKafka(config.INSTANCE_ID, config, log);
  const stateProducer = new RecordProducer(kafka, true);
  const producer = new RecordProducer(kafka);
  onClose('producers', async () => void (await Promise.all([stateProducer.close(), producer.close()])));
  const deadLetters = new DeadLetters(producer, 'registry');
  const reading = { kafka, groupId: config.INSTANCE_ID, log, deadLetters };

  const hosts = {
    artifact: [...config.PUBLIC_URLS.map((url) => new URL(url).host), ...config.ARTIFACT_HOSTS],
    target: config.TARGET_HOSTS,
  };
  for (const name of ['ARTIFACT_HOSTS', 'TARGET_HOSTS'] as const)
    if (config[name].includes('*')) log.warn(`${name} is *: a publisher may name any host`);

  const { keys, takeOver, feature: key } = await keyFeature(database, config.BOOTSTRAP_KEYS, context);
  const { artifacts, feature: artifact } = artifactFeature(database, config, context);
  const live = liveInstances(reading, context);
  const published = outbox(database, stateProducer, reading, takeOver, context);
  const {
    routes,
    watch,
    feature: route,
  } = routeFeature(
    { database, producer, publisher: published.publisher, instances: live.instances, known: live.known },
    { artifactBases: config.PUBLIC_URLS, leaseMs: config.LEASE_MS, targetHosts: hosts.target },
    context,
  );
  const { trials, feature: trial } = trialFeature(
    { database, instances: live.instances, routes, artifactBases: config.PUBLIC_URLS },
    context,
  );
  const {
    rollouts,
    conductor,
    feature: rollout,
  } = rolloutFeature(
    { database, routes, instances: live.instances, known: live.known, kafka, deadLetters },
    config,
    context,
  );
  // No decision may be based on a state that is behind the topics.
  published.whenCaughtUp(() => {
    conductor.start();
    watch.start();
    trials.start();
  });
  return {
    access: keys,
    api: registryApi,
    ...together(
      postgres,
      live.feature,
      key,
      artifact,
      metricFeature,
      modelFeature(database, artifacts, hosts, () => trials.registered()),
      trial,
      route,
      endpointFeature(database, routes, rollouts, trials),
      rollout,
      requestFeature(config, context),
      auditFeature({ database, kafka }, config, context),
      published.feature,
      {
        providers: [
          { provide: APP_GUARD, useClass: StorableGuard },
          { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
        ],
      },
    ),
  };
}

import { mkdirSync } from 'node:fs';
import { routerApi } from '@slipway/contracts';
import {
  createKafka,
  DeadLetters,
  RecordProducer,
  type ServiceContext,
  type ServiceParts,
  together,
} from '@slipway/platform';
import { v7 as uuidv7 } from 'uuid';
import { callerAccess } from './access/access.module.ts';
import { assignmentFeature } from './assignment/assignment.module.ts';
import type { Config } from './config.ts';
import { inference } from './inference/inference.module.ts';
import { heartbeat } from './instance/instance.module.ts';
import { journals } from './journal/journal.module.ts';
import { outcomeFeature } from './outcome/outcome.module.ts';
import { routeTable } from './routing/routing.module.ts';
import { shadowTap } from './shadow/shadow.module.ts';
import { targets } from './target/target.module.ts';

/**
 * Sends the requests of an endpoint to its versions, and keeps a row of each before its answer leaves. What is made
 * first is closed last: the journals are shipped after the last answer, and while there is a producer.
 */
export async function trafficRouter(config: Config, context: ServiceContext): Promise<ServiceParts> {
  const { log, onClose } = context;
  const boot = uuidv7();
  mkdirSync(config.DATA_DIR, { recursive: true });
  const kafka = createKafka(config.INSTANCE_ID, config, log);
  const producer = new RecordProducer(kafka);
  onClose('producer', () => producer.close());
  const deadLetters = new DeadLetters(producer, config.INSTANCE_ID);
  const reading = { kafka, groupId: config.INSTANCE_ID, log, deadLetters };

  const { access, feature: keys } = callerAccess(reading, config, context);
  const { routes, follow } = routeTable(reading, config, context);
  const { openJournal, feature: shipping } = journals(producer, config, context);
  const { client, ejections } = targets(routes, config, context);
  const { shadow, shadows } = shadowTap(openJournal, producer, config, context);
  const { proxy, predictions } = inference(
    { access, routes, ejections, client, shadow, boot },
    openJournal,
    config,
    context,
  );
  const { outcomes, feature: outcome } = outcomeFeature(openJournal, config);
  // What is finished by the old route leaves before the new one is applied; the registry waits to hear of that.
  const routing = follow({ before: () => proxy.flush(), after: () => beat.now() });
  const beat = heartbeat(
    producer,
    { boot, routes, ejections, proxy, journals: { predictions, outcomes, shadows } },
    config,
    context,
  );
  return {
    access,
    api: routerApi,
    hotHandler: proxy.handle,
    ...together(keys, routing, shipping, assignmentFeature, outcome, beat.feature),
  };
}

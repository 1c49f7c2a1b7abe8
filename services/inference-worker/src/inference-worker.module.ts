import { randomUUID } from 'node:crypto';
import {
  ByteBudget,
  createKafka,
  DeadLetters,
  following,
  RecordProducer,
  type ServiceContext,
  type ServiceParts,
  together,
} from '@slipway/platform';
import { callerAccess } from './access/access.module.ts';
import type { Config } from './config.ts';
import { inferHandler } from './inference/infer.proxy.ts';
import { heartbeat } from './instance/instance.module.ts';
import { modelFeature } from './model/model.module.ts';
import { knownRoutes, shadowLane } from './shadow/shadow.module.ts';

/** Runs the versions that endpoints serve, tries new ones, and answers what is sampled for a shadow. */
export async function inferenceWorker(config: Config, context: ServiceContext): Promise<ServiceParts> {
  const { log, onClose } = context;
  const kafka = createKafka(config.INSTANCE_ID, config, log);
  const producer = new RecordProducer(kafka);
  onClose('producer', () => producer.close());
  const deadLetters = new DeadLetters(producer, config.INSTANCE_ID);
  const reading = { kafka, groupId: config.INSTANCE_ID, log, deadLetters };
  const bytes = new ByteBudget(config.MAX_BYTES_IN_FLIGHT);

  const {
    models,
    loads,
    feature: model,
  } = await modelFeature({ reading, bytes, env: config.MODEL_ENV, onChange: () => beat.now() }, config, context);
  const { access, keys } = callerAccess(reading, config);
  const { routes, replica } = knownRoutes(reading);
  const state = following({ loads, keys, routes: replica }, context);
  const beat = heartbeat(producer, { boot: randomUUID(), models, routes }, config, context);
  return {
    access,
    hotHandler: inferHandler(models, {
      access,
      bytes,
      maxBodyBytes: config.MAX_BODY_BYTES,
      maxRows: config.MAX_ROWS_PER_REQUEST,
      log,
    }),
    ...together(model, state, shadowLane({ kafka, producer, models, routes }, config, context), beat.feature),
  };
}

import { type Revision } from '@slipway/core';
import { type AccessKey, topics } from '@slipway/contracts';
import {
  type Feature,
  provided,
  RecordProducer,
  type ServiceContext,
  StateReplica,
  type StateReplicaParts,
  steadyNow,
} from '@slipway/platform';
import type { Database } from '../database/database.store.ts';
import { raiseEpochIfBehind } from './epoch.store.ts';
import { OutboxPublisher } from './publisher.loop.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Publishes the state of the control plane. At the start it reads once what the topics say of it: where they are ahead
 * of Postgres, the epoch is raised, and the API keys that they have go to `takeOverKeys`. Only then the publisher
 * starts, and what `whenCaughtUp` was given is called.
 */
export function outbox(
  database: Database,
  producer: RecordProducer,
  reading: StateReplicaParts,
  takeOverKeys: (onTopic: AccessKey[]) => Promise<void>,
  { log, onClose }: ServiceContext,
): { publisher: OutboxPublisher; whenCaughtUp: (begin: () => void) => void; feature: Feature } {
  const publisher = new OutboxPublisher(database, producer, log);
  onClose('publisher', () => publisher.close());
  const seen = new Map<string, { topic: string; key: string; revision: Revision }>();
  const remember = (topic: string) => (key: string, state: { revision: Revision } | undefined) =>
    void (state && seen.set(`${topic}/${key}`, { topic, key, revision: state.revision }));
  const keys = new Map<string, AccessKey>();
  const own = [
    new StateReplica({ ...reading, topic: topics.routes, onState: remember(topics.routes.name) }),
    new StateReplica({ ...reading, topic: topics.loads, onState: remember(topics.loads.name) }),
    new StateReplica({ ...reading, topic: topics.profiles, onState: remember(topics.profiles.name) }),
    new StateReplica({ ...reading, topic: topics.rollouts, onState: remember(topics.rollouts.name) }),
    new StateReplica({ ...reading, topic: topics.access, onState: (id, key) => void (key && keys.set(id, key)) }),
  ];
  onClose('own state', async () => void (await Promise.all(own.map((replica) => replica.close()))));
  const prune = () =>
    void publisher
      .prune(steadyNow() - DAY_MS)
      .catch((error: unknown) => log.warn({ err: error }, 'published rows of the outbox could not be removed'));
  const pruning = setInterval(prune, HOUR_MS);
  onClose('pruning of the outbox', () => clearInterval(pruning));
  let begun = false;
  let begin: () => void = () => undefined;
  const catchUp = async () => {
    await Promise.all(own.map((replica) => replica.ready));
    await Promise.all(own.map((replica) => replica.close()));
    await takeOverKeys([...keys.values()]);
    const { epoch, leftovers } = await raiseEpochIfBehind(database, [...seen.values()], steadyNow());
    if (leftovers.length > 0)
      log.warn({ leftovers }, 'these stand on their topics and not in Postgres (a restore?): they are withdrawn there');
    if (epoch !== undefined)
      log.warn(
        { epoch },
        'the topics were ahead of Postgres (a restore?): the epoch was raised and every state is published again',
      );
    publisher.start();
    begin();
    begun = true;
  };
  return {
    publisher,
    whenCaughtUp: (then) => {
      begin = then;
    },
    feature: {
      providers: [provided(OutboxPublisher, publisher), provided(RecordProducer, producer)],
      readiness: [{ name: 'own state on Kafka', ready: () => begun }],
      started: () => {
        for (const replica of own) replica.start();
        void catchUp().catch((error: unknown) => {
          log.fatal({ err: error }, 'the registry could not begin to decide');
          process.kill(process.pid, 'SIGTERM');
        });
      },
    },
  };
}

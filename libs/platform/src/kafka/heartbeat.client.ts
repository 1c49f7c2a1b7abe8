import { HEARTBEAT_MS, type Instance, topics } from '@slipway/contracts';
import type { Logger } from '../process/log.ts';
import { within } from './within.client.ts';
import type { RecordProducer } from './producer.client.ts';

/** A stop does not wait longer for a broker that does not respond; other services notice the missing heartbeat. */
const PATIENCE_MS = 1000;

export type Heartbeat = { start: () => void; now: () => void; stop: () => Promise<void> };

/**
 * Publishes the state of this instance on `instances.v1`, every second and immediately on `now()`. A clean stop
 * publishes a tombstone.
 */
export function runHeartbeat(producer: RecordProducer, log: Logger, describe: () => Instance): Heartbeat {
  let sending = false;
  let again = false;
  let timer: NodeJS.Timeout | undefined;
  const beat = () => {
    if (sending) {
      again = true;
      return;
    }
    sending = true;
    producer
      .publish(topics.instances, [{ value: describe() }])
      .catch((error: unknown) =>
        log.debug({ error: (error as Error).message }, 'cannot send the heartbeat: Kafka is not available'),
      )
      .finally(() => {
        sending = false;
        if (again) {
          again = false;
          if (timer) beat();
        }
      });
  };
  return {
    start: () => {
      timer = setInterval(beat, HEARTBEAT_MS);
      beat();
    },
    now: () => {
      if (timer) beat();
    },
    stop: async () => {
      clearInterval(timer);
      timer = undefined;
      const patience = performance.now() + PATIENCE_MS;
      while (sending && performance.now() < patience) await new Promise((resolve) => setTimeout(resolve, 10));
      await within(PATIENCE_MS, producer.publish(topics.instances, [{ key: describe().instance_id, value: null }]));
    },
  };
}

import type { ShadowRequest } from '@slipway/contracts';
import { type ConsumedRecord, createKafka, createLogger, RecordProducer, TransientError } from '@slipway/platform';
import { expect, it } from 'vitest';
import { startLegs } from './legs.fixture.ts';
import { ShadowLane } from './shadow-lane.consumer.ts';

it("lets waiting requests expire by Kafka's clock only: before that is known, it gives the records back", async () => {
  const log = createLogger('test', 'test', 'silent');
  // Nothing has been acknowledged to it yet, as in the first moments of a worker.
  const producer = new RecordProducer(createKafka('test', ['127.0.0.1:1'], log));
  const routes = new Map();
  const lane = new ShadowLane({
    legs: startLegs(routes).legs,
    routes,
    producer,
    source: 'worker-1',
    concurrency: 1,
    now: () => producer.brokerNow(),
  });
  const record = { parsed: { deadline_ms: 1000 }, timestamp: '1', headers: {} } as ConsumedRecord<ShadowRequest>;
  await expect(lane.take([record])).rejects.toThrow(TransientError);
  await expect(lane.take([record])).rejects.toThrow("Kafka's clock is not known yet");
  await producer.close();
});

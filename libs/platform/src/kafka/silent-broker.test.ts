import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Instance } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { createLogger } from '../process/log.ts';
import { runHeartbeat } from './heartbeat.client.ts';
import { createKafka } from './kafka.client.ts';
import { RecordProducer } from './producer.client.ts';

it('an instance stops within seconds when the broker accepts connections and never responds', async () => {
  const sockets: Socket[] = [];
  let connected: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const broker = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => connected());
  });
  await new Promise<void>((resolve) => broker.listen(0, '127.0.0.1', resolve));
  const log = createLogger('test', 'test', 'silent');
  const address = `127.0.0.1:${(broker.address() as AddressInfo).port}`;
  const producer = new RecordProducer(createKafka('test', [address], log));
  const heartbeat = runHeartbeat(producer, log, () => ({ instance_id: 'router-1' }) as Instance);
  heartbeat.start();
  await asked;
  const began = performance.now();
  await heartbeat.stop();
  await producer.close();
  // A send is given up after 8 s and retried; a stopping service is killed after 15 s.
  expect(performance.now() - began).toBeLessThan(8000);
  for (const socket of sockets) socket.destroy();
  broker.close();
});

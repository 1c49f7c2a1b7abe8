import {
  KafkaJSConnectionError,
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSProtocolError,
  KafkaJSRequestTimeoutError,
} from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { isTransient } from './faults.ts';
import { isRefusedRecord, RecordProducer } from '../kafka/producer.client.ts';
import { createKafka } from '../kafka/kafka.client.ts';
import { createLogger } from './log.ts';

const protocol = (type: string, retriable: boolean) =>
  new KafkaJSProtocolError(Object.assign(new Error(type), { type, code: 1, retriable, name: 'KafkaJSProtocolError' }));

describe('a fault of Kafka is transient, whatever kafkajs calls it', () => {
  it.each([
    ['no connection', new KafkaJSConnectionError('refused', { broker: 'b:1' } as never)],
    ['a lost connection', new KafkaJSError('Broker not connected', { retriable: false })],
    [
      'exhausted retries',
      new KafkaJSNumberOfRetriesExceeded(new KafkaJSError('Broker not connected', { retriable: false }), {
        retryCount: 3,
        retryTime: 100,
      }),
    ],
    ['a time-out', new KafkaJSRequestTimeoutError('timed out', {} as never)],
    ['a partition that changes its leader', protocol('NOT_LEADER_FOR_PARTITION', true)],
  ])('%s', (_, error) => expect(isTransient(error)).toBe(true));
  it("but a broker's refusal of the record itself is not", () => {
    expect([
      isTransient(protocol('MESSAGE_TOO_LARGE', false)),
      isRefusedRecord(protocol('MESSAGE_TOO_LARGE', false)),
    ]).toEqual([false, true]);
    expect(isTransient(new KafkaJSNonRetriableError('an invalid topic name'))).toBe(false);
  });
  it('so a send to an unreachable broker, and one through a closed producer, are transient', async () => {
    const log = createLogger('test', 'test', 'silent');
    const producer = new RecordProducer(createKafka('test', ['127.0.0.1:9'], log));
    await expect(producer.send('t', [{ value: 'x' }])).rejects.toSatisfy(isTransient);
    await producer.close();
    await expect(producer.send('t', [{ value: 'x' }])).rejects.toSatisfy(isTransient);
  });
});

describe('no record becomes a dead letter because of a fault of the machine that Postgres runs on', () => {
  const failed = (code: string) => isTransient(Object.assign(new Error('query failed'), { driverError: { code } }));
  it.each([
    ['a password that is being changed', '28P01'],
    ['a standby that is not yet promoted, or a server made read-only by a full disk', '25006'],
    ['a transaction that was idle for too long', '25P03'],
    ['a disk that cannot be read', '58030'],
    ['a disk that is full', '53100'],
    ['a lock that another session holds', '55P03'],
  ])('%s', (_, code) => expect(failed(code)).toBe(true));
  it.each(['23505', '22P02', '42703', '25P02'])('but not %s', (code) => expect(failed(code)).toBe(false));
});

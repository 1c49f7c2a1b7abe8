// Over 300 lines: every case reads and commits by the same few helpers on one broker.
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { randomUUID } from 'node:crypto';
import { type DeadLetter, type Route, routeSchema, topics } from '@slipway/contracts';
import { type Evidence } from '@slipway/release';
import { until } from '@slipway/local';
import {
  Consume,
  type ConsumedRecord,
  createKafka,
  createLogger,
  DeadLetters,
  KafkaBatchServer,
  ok,
  type RecordResult,
  RecordProducer,
  RethrowFilter,
  TransientError,
  StateReplica,
} from '@slipway/platform';
import type { Consumer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestStack, type TestStack } from '../fixtures/stack.ts';

const topic = topics.evidence;
const log = createLogger('test', 'test', 'silent');
let stack: TestStack;
let producer: RecordProducer;

type Handler = (records: ConsumedRecord<Evidence>[]) => Promise<RecordResult[] | undefined>;

/** One member of a group as a Nest microservice, with the handler under test behind `@Consume`. */
async function startMember(groupId: string, handler: Handler, sessionTimeoutMs = 10_000) {
  @Controller()
  class Handlers {
    @Consume(topic)
    take(records: ConsumedRecord<Evidence>[]) {
      return handler(records);
    }
  }
  @Module({ controllers: [Handlers] })
  class MemberModule {}
  const kafka = createKafka(`member-${randomUUID()}`, stack.kafkaBrokers.split(','), log);
  const own = new RecordProducer(kafka);
  const server = new KafkaBatchServer({
    kafka,
    groupId,
    deadLetters: new DeadLetters(own, groupId),
    log,
    sessionTimeoutMs,
  });
  const assignments: Record<string, number[]>[] = [];
  server.on('joined', ((assignment: Record<string, number[]>) => assignments.push(assignment)) as never);
  const app = await NestFactory.createMicroservice(MemberModule, { strategy: server, logger: false });
  app.useGlobalFilters(new RethrowFilter());
  await app.listen();
  await until(`${groupId} to have joined`, () => assignments.length > 0);
  let beats = 0;
  const consumer = server.unwrap<Consumer>();
  consumer.on(consumer.events.HEARTBEAT, () => beats++);
  return {
    assignments,
    beats: () => beats,
    stop: async () => {
      await app.close();
      await own.close();
    },
  };
}

let sequence = 0;
function evidence(): Evidence {
  const time = Date.now();
  return {
    event_id: randomUUID(),
    type: 'slipway.evidence.v1',
    source: 'test',
    time,
    rollout_id: randomUUID(),
    endpoint: 'spam',
    revision: { epoch: 1, n: 1 },
    step: 0,
    analyser: 'test',
    sequence: sequence++,
    expires_at: time + 1000,
    verdict: 'hold',
    reasons: ['x'],
    sentence: 's',
    arms: [],
    alpha: 0.05,
    numbers: {},
  };
}
const send = async (events: (Evidence | string)[], partition?: number) => {
  await producer.send(
    topic.name,
    events.map((e) => ({ key: 'k', value: typeof e === 'string' ? e : JSON.stringify(e) })),
    partition,
  );
};
async function committed(groupId: string): Promise<number> {
  const admin = stack.kafka.admin();
  await admin.connect();
  try {
    const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic.name] });
    return offsets?.partitions.reduce((sum, p) => sum + Math.max(0, Number(p.offset)), 0) ?? 0;
  } finally {
    await admin.disconnect();
  }
}
async function end(): Promise<number> {
  const admin = stack.kafka.admin();
  await admin.connect();
  const marks = await admin.fetchTopicOffsets(topic.name);
  await admin.disconnect();
  return marks.reduce((sum, m) => sum + Number(m.high), 0);
}
async function deadLettersOf(consumer: string): Promise<DeadLetter[]> {
  return await stack.query<DeadLetter & { raw: string }>(
    'SELECT reason, raw, topic, consumer FROM dead_letters FINAL WHERE consumer = {c:String}',
    { c: consumer },
  );
}

beforeAll(async () => {
  stack = await startTestStack('transport', { counts: { registries: 0, routers: 0, workers: 0 } });
  producer = new RecordProducer(createKafka('producer', stack.kafkaBrokers.split(','), log));
});
afterAll(async () => {
  await producer?.close();
  await stack?.end();
});

describe('the Kafka transport', () => {
  it('passes batches, in order within each partition, and commits them after success', async () => {
    const got: number[] = [];
    const sizes: number[] = [];
    const events = Array.from({ length: 500 }, evidence);
    await send(events, 0);
    const member = await startMember('batches', async (records) => {
      sizes.push(records.length);
      got.push(...records.map((r) => r.parsed.sequence));
      return records.map(() => ok);
    });
    await until('all of them', () => got.length >= 500);
    expect(got).toEqual(events.map((e) => e.sequence));
    expect(Math.max(...sizes)).toBeGreaterThan(50);
    await until('the commit', async () => (await committed('batches')) === (await end()));
    await member.stop();
  });

  it('commits nothing until the handler has succeeded, and repeats the batch after a transient fault', async () => {
    const before = await end();
    const catchUp = await startMember('transient', async () => undefined);
    await until('the past to be committed', async () => (await committed('transient')) === before);
    await catchUp.stop();
    let away = true;
    let attempts = 0;
    const got: string[] = [];
    const member = await startMember('transient', async (records) => {
      attempts++;
      if (away) throw new TransientError('the store is away');
      got.push(...records.map((r) => r.parsed.event_id));
      return undefined;
    });
    const events = Array.from({ length: 5 }, evidence);
    await send(events, 1);
    await until('three attempts', () => attempts >= 3);
    expect(await committed('transient')).toBe(before);
    expect(got).toEqual([]);
    away = false;
    await until('them after all', () => got.length === 5);
    expect(got).toEqual(events.map((e) => e.event_id));
    await until('the commit', async () => (await committed('transient')) === before + 5);
    expect(await deadLettersOf('transient')).toEqual([]);
    await member.stop();
  });

  it('sends records that do not fit or fail alone to dead letters, and handles the others', async () => {
    const bad = evidence();
    const refused = evidence();
    const good = [evidence(), evidence(), evidence()];
    const handled = new Set<string>();
    const member = await startMember('poison', async (records) => {
      if (records.some((r) => r.parsed.event_id === bad.event_id)) throw new Error('this one breaks the handler');
      for (const r of records) handled.add(r.parsed.event_id);
      return records.map((r) =>
        r.parsed.event_id === refused.event_id ? { kind: 'deadLetter', reason: 'the handler says no' } : ok,
      );
    });
    await send(
      [
        good[0] as Evidence,
        'not json {',
        good[1] as Evidence,
        bad,
        JSON.stringify({ ...evidence(), verdict: 'maybe' }),
        refused,
        good[2] as Evidence,
      ],
      2,
    );
    await until('the good ones', () => good.every((g) => handled.has(g.event_id)));
    await until('four dead letters', async () => (await deadLettersOf('poison')).length === 4, 20_000);
    const reasons = (await deadLettersOf('poison')).map((l) => l.reason).sort();
    expect(reasons[0]).toContain('not JSON');
    expect(reasons[1]).toContain('the handler says no');
    expect(reasons[2]).toContain('this one breaks the handler');
    expect(reasons[3]).toContain('verdict:');
    expect((await deadLettersOf('poison')).some((l) => l.raw === 'not json {')).toBe(true);
    await until('the commit', async () => (await committed('poison')) === (await end()));
    await member.stop();
  });

  it('shares the partitions between two members, and the remaining one takes over all of them', async () => {
    const got = new Map<string, number>();
    const handler = async (records: ConsumedRecord<Evidence>[]) => {
      for (const r of records) got.set(r.parsed.event_id, (got.get(r.parsed.event_id) ?? 0) + 1);
      return undefined;
    };
    const first = await startMember('pair', handler);
    const second = await startMember('pair', handler);
    const parts = (m: { assignments: Record<string, number[]>[] }) => m.assignments.at(-1)?.[topic.name] ?? [];
    await until('both to have partitions', () => parts(first).length === 2 && parts(second).length === 2);
    expect([...parts(first), ...parts(second)].sort()).toEqual([0, 1, 2, 3]);
    const events = Array.from({ length: 40 }, evidence);
    for (const [i, e] of events.entries()) await send([e], i % 4);
    await until('all forty', () => events.every((e) => got.has(e.event_id)));
    await second.stop();
    await until('the first to have all partitions', () => parts(first).length === 4);
    const more = Array.from({ length: 8 }, evidence);
    for (const [i, e] of more.entries()) await send([e], i % 4);
    await until('the rest', () => more.every((e) => got.has(e.event_id)));
    await first.stop();
  });

  it('keeps its place in the group for as long as a handler takes', async () => {
    const before = await end();
    const catchUp = await startMember('slow', async () => undefined);
    await until('the past to be committed', async () => (await committed('slow')) === before);
    await catchUp.stop();
    let entered = 0;
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const member = await startMember('slow', async () => {
      entered++;
      await gate;
      return undefined;
    });
    await send([evidence()], 0);
    await until('the handler to be at work', () => entered > 0);
    const at = member.beats();
    await until('five heartbeats meanwhile', () => member.beats() >= at + 5);
    expect(await committed('slow')).toBe(before);
    release();
    await until('the commit', async () => (await committed('slow')) === before + 1);
    expect([entered, member.assignments.length]).toEqual([1, 1]);
    await member.stop();
  });

  it('lets the batch under way finish and be committed when it is stopped', async () => {
    let entered = 0;
    let finished = 0;
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const before = await end();
    const catchUp = await startMember('graceful', async () => undefined);
    await until('the past to be committed', async () => (await committed('graceful')) === before);
    await catchUp.stop();
    const member = await startMember('graceful', async (records) => {
      entered += records.length;
      await gate;
      finished += records.length;
      return undefined;
    });
    await send([evidence(), evidence()], 3);
    await until('the batch to be under way', () => entered > 0);
    const stopping = member.stop();
    release();
    await stopping;
    expect(finished).toBe(entered);
    expect(await committed('graceful')).toBe(before + finished);
  });
});

describe('a replica of a state topic', () => {
  it('keeps the highest revision, not the last record: an old state that arrives late is ignored', async () => {
    const at = (n: number, address: string): Route =>
      routeSchema.parse({
        endpoint: 'late',
        revision: { epoch: 1, n },
        published_at: n,
        branches: [
          {
            name: 'main',
            unit: 'request',
            signature: {
              inputs: [{ name: 'a', datatype: 'FP32', shape: [-1, 1] }],
              outputs: [{ name: 'b', datatype: 'FP32', shape: [-1, 1] }],
            },
            target: { model: 'm', version: 1, addresses: [address], protocol: 'oip', workers: true, price: 0 },
            rollout: null,
          },
        ],
        lease_ms: 30_000,
        timeout_ms: 1000,
      });
    const send = async (route: Route) =>
      producer.send(topics.routes.name, [{ key: 'late', value: JSON.stringify(route) }]);
    const seen: number[] = [];
    const replica = new StateReplica({
      kafka: createKafka('late', stack.kafkaBrokers.split(','), log),
      topic: topics.routes,
      groupId: 'late',
      log,
      onState: (key, route) => {
        if (key === 'late' && route) seen.push(route.revision.n);
      },
      deadLetters: new DeadLetters(producer, 'late'),
    });
    await send(at(5, 'http://new'));
    await send(at(3, 'http://old'));
    replica.start();
    await replica.ready;
    expect(seen).toEqual([5]);
    await send(at(4, 'http://old'));
    await send(at(6, 'http://newer'));
    await until('the newer route', () => seen.includes(6));
    expect(seen).toEqual([5, 6]);
    await replica.close();
  });

  it('reports every key that it began with and the topic holds no more as deleted', async () => {
    const id = `${randomUUID().slice(0, 8)}`;
    const key = (name: string) => `${name}-${id}`;
    const owner = (name: string) => ({
      key: key(name),
      value: JSON.stringify({
        id: randomUUID(),
        name: key(name),
        role: 'viewer',
        sha256: '0'.repeat(64),
        created_at: 1,
        revoked_at: null,
        revision: { epoch: 0, n: 1 },
      }),
    });
    const follow = async (beganWith: string[]) => {
      const seen: [string, boolean][] = [];
      const replica = new StateReplica({
        kafka: createKafka(key('snapshot'), stack.kafkaBrokers.split(','), log),
        topic: topics.access,
        groupId: key('snapshot'),
        log,
        beganWith,
        onState: (k, state) => void (k.endsWith(id) && seen.push([k, state !== undefined])),
        deadLetters: new DeadLetters(producer, 'snapshot'),
      });
      replica.start();
      await replica.ready;
      await replica.close();
      return seen.sort();
    };
    // The absence of a key on a topic without any record does not mean that it was deleted.
    expect(await follow([key('cleaned')])).toEqual([]);
    // `cleaned` was deleted so long ago that its tombstone is gone too; the last record of `broken` cannot be used.
    await producer.send(topics.access.name, [owner('kept'), owner('deleted'), owner('broken'), owner('new')]);
    await producer.send(topics.access.name, [
      { key: key('deleted'), value: null },
      { key: key('broken'), value: '{' },
    ]);
    const began = ['kept', 'deleted', 'cleaned', 'broken'].map(key);
    expect(await follow(began)).toEqual([
      [key('broken'), true],
      [key('cleaned'), false],
      [key('deleted'), false],
      [key('kept'), true],
      [key('new'), true],
    ]);
  });
});

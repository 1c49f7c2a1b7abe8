import { type Operation, operationsOf, registryApi, type Role, roles, type Topic, topics } from '@slipway/contracts';
import { until } from '@slipway/local';
import { createKafka, createLogger, readTopic } from '@slipway/platform';
import pg from 'pg';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestStack, type TestStack } from '../fixtures/stack.ts';
import { stateOf } from './registry-version-states.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack('access', {
    counts: { registries: 2, routers: 1, workers: 0 },
    env: { 'router-1': { ROUTER_ACCESS: 'key' } },
  });
});
afterAll(() => stack?.end());

type Answer = { status: number; body: Record<string, unknown>; headers: Record<string, string> };
type Method = Operation['method'];
async function call(
  method: Method,
  path: string,
  key: string | undefined,
  body?: object,
  headers: Record<string, string> = {},
  base = stack.registries[0] as string,
): Promise<Answer> {
  const asked = request(base)[method](path).set(headers);
  if (key) asked.set('authorization', `Bearer ${key}`);
  return body === undefined ? asked : asked.send(body);
}
const keyOf = (role: Role) => stack.secrets.keys[role];
/** The response of experiment-stats to a key: 401 or, when the key is known, 404. */
const read = async (key: string) =>
  (await request(stack.stats).get('/v1/results/none').set('authorization', `Bearer ${key}`)).status;
const tensor = { datatype: 'FP32', shape: [-1, 1] };
/** A version that other servers serve. */
const foreignBundle = {
  artifact: { sha256: 'a'.repeat(64), uri: 'http://127.0.0.1:9/foreign' },
  signature: { inputs: [{ name: 'x', ...tensor }], outputs: [{ name: 'y', ...tensor }] },
  infra: { url: 'http://127.0.0.1:9' },
};

describe('an API key', () => {
  it('is shown once and stored nowhere: not in the record of its Idempotency-Key, the audit or a topic', async () => {
    const once = { 'idempotency-key': 'make-one' };
    const made = await call('post', '/v1/keys', keyOf('admin'), { name: 'robot', role: 'operator' }, once);
    const key = made.body['key'] as string;
    expect([made.status, key]).toEqual([201, expect.stringMatching(/^slw_[0-9a-f]{32}_[\w-]{32}$/)]);
    const again = await call('post', '/v1/keys', keyOf('admin'), { name: 'robot', role: 'operator' }, once);
    expect([again.status, again.headers['idempotency-replayed'], again.body]).toEqual([
      201,
      'true',
      { id: made.body['id'], name: 'robot', role: 'operator' },
    ]);
    const database = new pg.Client(stack.databaseUrl);
    await database.connect();
    try {
      const { rows: tables } = await database.query<{ name: string }>(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'",
      );
      expect(tables.length).toBeGreaterThan(10);
      for (const { name } of tables) {
        const { rows } = await database.query(`SELECT count(*)::int AS n FROM "${name}" AS t WHERE t::text LIKE $1`, [
          `%${key}%`,
        ]);
        expect([name, rows[0].n]).toEqual([name, 0]);
      }
    } finally {
      await database.end();
    }
    const kafka = createKafka('test', stack.kafkaBrokers.split(','), createLogger('test', 'test', 'silent'));
    const both: Topic[] = [topics.access, topics.audit];
    for (const topic of both) {
      const about = async () => {
        const records: string[] = [];
        await readTopic(kafka, topic, (_, { value }) => records.push(String(value)));
        return records;
      };
      await until(`${topic.name} to speak of it`, async () =>
        (await about()).some((r) => r.includes(`${made.body['id']}`)),
      );
      expect((await about()).filter((r) => r.includes(key))).toEqual([]);
    }
  });

  it('is listed without its secret, and refused everywhere once it is revoked', async () => {
    const { body } = await call('post', '/v1/keys', keyOf('admin'), { name: 'gone', role: 'viewer' });
    const key = body['key'] as string;
    expect((await call('get', '/v1/models', key)).status).toBe(200);
    // The analysers know it from access.v1.
    await until('experiment-stats to know the key', async () => (await read(key)) === 404);
    const revoked = await call('post', `/v1/keys/${body['id']}/revoke`, keyOf('admin'));
    expect([revoked.status, revoked.body['revoked_at']]).toEqual([200, expect.any(Number)]);
    expect(await call('post', `/v1/keys/${body['id']}/revoke`, keyOf('admin'))).toMatchObject({ body: revoked.body });
    expect((await call('get', '/v1/models', key)).status).toBe(401);
    await until(
      'the other registry to refuse it',
      async () => (await call('get', '/v1/models', key, undefined, {}, stack.registries[1])).status === 401,
    );
    await until('experiment-stats to refuse it', async () => (await read(key)) === 401);
    const { body: list } = await call('get', '/v1/keys', keyOf('admin'));
    const items = list['items'] as { name: string; revoked_at: number | null; key?: string; sha256?: string }[];
    expect(items.find((k) => k.name === 'gone')).toMatchObject({ revoked_at: revoked.body['revoked_at'] });
    expect(items.every((k) => k.key === undefined && k.sha256 === undefined)).toBe(true);
    const audit = await call('get', `/v1/audit?aggregate=key/${body['id']}`, keyOf('viewer'));
    expect((audit.body['items'] as { action: string }[]).map((a) => a.action)).toEqual(['create', 'revoke']);
  });
  it('opens a router until it is revoked, and the router remembers that when it starts without Kafka', async () => {
    const make = async (name: string) =>
      (await call('post', '/v1/keys', keyOf('admin'), { name, role: 'viewer' })).body as { id: string; key: string };
    const [kept, revoked] = [await make('kept'), await make('revoked')];
    await call('post', '/v1/models', keyOf('admin'), { name: 'foreign' });
    await call('post', '/v1/models/foreign/versions', keyOf('admin'), { bundle: foreignBundle });
    await call('put', '/v1/endpoints/foreign', keyOf('operator'), { model: 'foreign', version: 1 });
    const asked = async ({ key }: { key?: string }) => {
      const headers: Record<string, string> = key ? { authorization: `Bearer ${key}` } : {};
      return (await fetch(`${stack.routers[0]}/v2/models/foreign`, { headers })).status;
    };
    for (const key of [kept, revoked]) await until('the router to know it', async () => (await asked(key)) === 200);
    expect(await asked({})).toBe(401);
    expect((await call('post', `/v1/keys/${revoked.id}/revoke`, keyOf('admin'))).status).toBe(200);
    await until('the router to refuse it', async () => (await asked(revoked)) === 401);
    await stack.supervisor.stop('router-1');
    stack.supervisor.kill('kafka', 'SIGKILL', { restart: false });
    await until('Kafka to be gone', () => stack.supervisor.pid('kafka') === undefined);
    try {
      await stack.supervisor.startAgain('router-1');
      expect([await asked(kept), await asked(revoked), await asked({})]).toEqual([200, 401, 401]);
    } finally {
      await stack.supervisor.startAgain('kafka');
    }
  });

  it('distinguishes repeats by its id: another key of the same name is another caller', async () => {
    const make = async () =>
      (await call('post', '/v1/keys', keyOf('admin'), { name: 'twin', role: 'publisher' })).body['key'] as string;
    const [a, b] = [await make(), await make()];
    const once = { 'idempotency-key': 'twin-1' };
    expect((await call('post', '/v1/models', a, { name: 'twin-a' }, once)).status).toBe(201);
    expect((await call('post', '/v1/models', b, { name: 'twin-b' }, once)).status).toBe(201);
    expect((await call('post', '/v1/models', a, { name: 'twin-c' }, once)).body['code']).toBe('idempotency_mismatch');
  });

  it('does once what is asked many times at once, at two registries', async () => {
    const asked = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        call(
          'post',
          '/v1/models',
          keyOf('publisher'),
          { name: 'once' },
          { 'idempotency-key': 'one' },
          stack.registries[i % 2],
        ),
      ),
    );
    expect(asked.map((a) => a.status)).toEqual(asked.map(() => 201));
    expect(asked.filter((a) => a.headers['idempotency-replayed'] !== 'true')).toHaveLength(1);
  });
});

describe('the effect of a POST and the record of its Idempotency-Key', () => {
  it('are one transaction: when the record cannot be stored there is no effect, and the repeat has it', async () => {
    const database = new pg.Client(stack.databaseUrl);
    await database.connect();
    const make = () => call('post', '/v1/models', keyOf('publisher'), { name: 'both' }, { 'idempotency-key': 'both' });
    const audited = async () =>
      (await database.query("SELECT action FROM audit WHERE aggregate = 'model/both'")).rows.length;
    try {
      await database.query('ALTER TABLE idempotency ADD CONSTRAINT full_up CHECK (key <> $$both$$)');
      expect((await make()).status).toBe(500);
      const { body } = await call('get', '/v1/models', keyOf('viewer'));
      expect((body['items'] as { name: string }[]).map((m) => m.name)).not.toContain('both');
      expect(await audited()).toBe(0);
      await database.query('ALTER TABLE idempotency DROP CONSTRAINT full_up');
      const made = await make();
      expect([made.status, made.headers['idempotency-replayed'], await audited()]).toEqual([201, undefined, 1]);
      expect((await make()).headers['idempotency-replayed']).toBe('true');
    } finally {
      await database.query('ALTER TABLE idempotency DROP CONSTRAINT IF EXISTS full_up');
      await database.end();
    }
  });
});

describe("the role that a request needs is the operation's", () => {
  const needs: Record<string, Role[]> = {
    viewer: [...roles],
    publisher: ['publisher', 'admin'],
    operator: ['operator', 'admin'],
    approver: ['approver', 'admin'],
    admin: ['admin'],
  };
  it.each(operationsOf(registryApi))('$name', async ({ operation: o }) => {
    const path = o.path.replace(/\{\w+\}/g, '00000000-0000-4000-8000-000000000000');
    const body = o.method === 'get' ? undefined : {};
    expect((await call(o.method, path, undefined, body)).status).toBe(401);
    expect((await call(o.method, path, `${keyOf('admin')}x`, body)).status).toBe(401);
    for (const role of roles) {
      const { status } = await call(o.method, path, keyOf(role), body);
      expect([role, status === 403, status === 401, status >= 500]).toEqual([
        role,
        !needs[o.role]?.includes(role),
        false,
        false,
      ]);
    }
  });
  it('approving needs an approver, every other command an operator', async () => {
    const path = '/v1/rollouts/00000000-0000-4000-8000-000000000000/commands';
    const status = async (role: Role, command: string) =>
      (await call('post', path, keyOf(role), { command, reason: 'x' })).status;
    expect(await status('approver', 'approve')).toBe(404);
    expect(await status('operator', 'approve')).toBe(403);
    expect(await status('approver', 'promote')).toBe(403);
    expect(await status('operator', 'promote')).toBe(404);
  });
  it('without a key the analysers answer health checks only', async () => {
    for (const [analyser, path] of [
      [stack.stats, '/v1/results/x'],
      [stack.stats, '/v1/results/x/y'],
      [stack.comparator, '/v1/results/x'],
      [stack.drift, '/v1/results/x'],
      [stack.drift, '/v1/drift'],
      [stack.drift, '/v1/drift/x'],
    ] as const) {
      const asked = () => request(analyser).get(path);
      await asked()
        .expect(401)
        .expect('content-type', /application\/problem\+json/);
      expect([200, 404]).toContain((await asked().set('authorization', `Bearer ${keyOf('viewer')}`)).status);
    }
    await request(stack.stats).get('/healthz').expect(200);
  });
});

describe('a registry whose database was restored from an older backup', () => {
  it('revokes the keys that it lacks, keeps revocations, and withdraws what only the topics have, once', async () => {
    const make = async (name: string) =>
      (await call('post', '/v1/keys', keyOf('admin'), { name, role: 'viewer' })).body as { id: string; key: string };
    const [made, revoked] = [await make('made after it'), await make('revoked after it')];
    for (const { key } of [made, revoked])
      await until('experiment-stats to know it', async () => (await read(key)) === 404);
    const { body: revocation } = await call('post', `/v1/keys/${revoked.id}/revoke`, keyOf('admin'));
    await until('experiment-stats to refuse it', async () => (await read(revoked.key)) === 401);
    // Versions with an address of their own, which no worker has to load.
    await call('post', '/v1/models', keyOf('admin'), { name: 'lost' });
    for (const price of [1, 2])
      await call('post', '/v1/models/lost/versions', keyOf('admin'), { bundle: { ...foreignBundle, price } });
    await call('put', '/v1/endpoints/lost', keyOf('operator'), { model: 'lost', version: 1 });
    const spec = { endpoint: 'lost', candidate: { model: 'lost', version: 2 }, steps: [{ switch: {} }] };
    const rollout = (await call('post', '/v1/rollouts', keyOf('operator'), spec)).body['id'] as string;
    const onTopics = async () => [
      (await stateOf(stack, topics.routes, 'lost'))?.endpoint,
      (await stateOf(stack, topics.rollouts, rollout))?.id,
    ];
    await until('route and rollout', async () => !(await onTopics()).includes(undefined));

    const database = new pg.Client(stack.databaseUrl);
    await database.connect();
    const epoch = async () =>
      Number((await database.query("SELECT value FROM settings WHERE key = 'epoch'")).rows[0].value);
    try {
      for (const name of ['registry-1', 'registry-2']) await stack.supervisor.stop(name);
      const before = await epoch();
      await database.query('DELETE FROM api_keys WHERE id = $1', [made.id]);
      await database.query('UPDATE api_keys SET revoked_at = NULL WHERE id = $1', [revoked.id]);
      await database.query('DELETE FROM rollouts WHERE id = $1', [rollout]);
      await database.query("DELETE FROM routes WHERE endpoint = 'lost'");
      await database.query("DELETE FROM endpoints WHERE name = 'lost'");
      await stack.supervisor.startAgain('registry-1');
      await until('experiment-stats to refuse the key', async () => (await read(made.key)) === 401);
      await until('the tombstones', async () => (await onTopics()).every((state) => state === undefined));
      expect(await epoch()).toBe(before + 1);
      await stack.supervisor.startAgain('registry-2');
      expect(await epoch()).toBe(before + 1);
    } finally {
      await database.end();
    }
    for (const { key } of [made, revoked])
      expect([await read(key), (await call('get', '/v1/models', key)).status]).toEqual([401, 401]);
    const items = (await call('get', '/v1/keys', keyOf('admin'))).body['items'] as { id: string; revoked_at: number }[];
    expect(items.find((k) => k.id === made.id)).toMatchObject({ revoked_at: expect.any(Number) });
    expect(items.find((k) => k.id === revoked.id)).toMatchObject({ revoked_at: revocation['revoked_at'] });
    const audit = await call('get', `/v1/audit?aggregate=key/${made.id}`, keyOf('viewer'));
    expect((audit.body['items'] as object[]).at(-1)).toMatchObject({
      action: 'revoke',
      role: 'system',
      reason: expect.stringContaining('backup'),
    });
  });
});

import { RefusedError, type RegistryClient, registryClient } from '@slipway/client';
import type { Endpoint } from '@slipway/contracts';
import type { Problem } from '@slipway/core';
import { until } from '@slipway/local';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of registry.test.ts, which the root's vitest runs
import { describe, expect, it } from 'vitest';
import { BAD, GOOD, type Release } from '../fixtures/release.ts';

async function problemOf(work: Promise<unknown>): Promise<Problem> {
  try {
    await work;
  } catch (error) {
    if (error instanceof RefusedError) return error.problem;
    throw error;
  }
  throw new Error('it was not refused');
}

/** Features for operators; part of the registry's suite, on its stack of two registries. */
export function describeOperators(stack: () => Release): void {
  const clients = () => ({
    release: stack(),
    second: registryClient({ url: stack().registries[1] as string, key: stack().secrets.keys.operator }),
  });
  const start = async (version: number, change: object = {}) => {
    const { id } = await stack().rollOut(version, {
      guardrails: [],
      steps: [{ canary: { weight: '5%', until: { requests: 1_000_000 } } }, { switch: {} }],
      ...change,
    });
    await stack().reach(id, 'active', (r) => r.visits.at(-1)?.phase === 'active');
    return id;
  };
  const promoted = async (version: number) => {
    const id = await start(version);
    await stack().operator.rollouts.command({ id }, { command: 'promote', reason: 'as it is' });
    await stack().reach(id, 'promoted', (r) => r.status === 'promoted', 60_000);
    return id;
  };
  const press = (client: RegistryClient, idempotencyKey?: string) =>
    client.endpoints.rollBack({ name: 'spam' }, { reason: 'bad' }, idempotencyKey ? { idempotencyKey } : {});
  const rows = async (aggregate: string) => (await stack().viewer.audit.list({ aggregate, limit: 1000 })).items;

  describe('what is rolled back stays rolled back until a new rollout', () => {
    it('when the command is repeated, by two at once, with keys of their own, or in another form', async () => {
      const { release, second } = clients();
      const id = await promoted(GOOD);
      const before = (await rows('endpoint/spam')).length;
      const pressed = await Promise.all([press(release.operator, 'one'), press(second, 'two')]);
      for (const after of [...pressed, await press(release.operator), await press(second, '3')])
        expect(after).toMatchObject({ current: { version: 1 }, previous: null, rolled_back: [{ version: GOOD }] });
      expect((await rows('endpoint/spam')).length).toBe(before + 1);
      expect(await problemOf(release.operator.rollouts.command({ id }, { command: 'rollBack' }))).toMatchObject({
        status: 409,
      });
      expect((await release.operator.endpoints.get({ name: 'spam' })).current.version).toBe(1);
      await until(
        'version 1 to answer',
        async () => (await release.infer('hello')).headers.get('x-slipway-version') === 'spam:1',
      );
    });

    it('when it ended a rollout under way, above a version that had been promoted before', async () => {
      const { release, second } = clients();
      await promoted(GOOD);
      const id = await start(BAD);
      const pressed = await Promise.all([press(release.operator), press(second)]);
      for (const after of [...pressed, await press(release.operator)])
        expect(after).toMatchObject({ current: { version: GOOD }, rolled_back: [{ version: BAD }], rollout_id: null });
      const actions = (await rows(`rollout/${id}`)).map((r) => r.action);
      expect(actions.filter((a) => a === 'rollBack')).toEqual(['rollBack']);
      // a new rollout, ended by hand; then a rollback means the previous version
      await release.operator.rollouts.command({ id: await start(BAD) }, { command: 'abort' });
      expect(await press(second)).toMatchObject({ current: { version: 1 }, rolled_back: [{ version: GOOD }] });
      expect(await press(second)).toMatchObject({ current: { version: 1 } });
    });

    it('unless the command names the version that serves: that one is left, and only once', async () => {
      const { release, second } = clients();
      await promoted(GOOD);
      const id = await start(BAD);
      await release.operator.rollouts.command({ id }, { command: 'rollBack', reason: 'proven bad' });
      const from = (client: RegistryClient, version: number) =>
        client.endpoints.rollBack({ name: 'spam' }, { from: { model: 'spam', version } });
      expect(await from(second, BAD)).toMatchObject({ current: { version: GOOD }, rolled_back: [{ version: BAD }] });
      expect((await problemOf(from(second, 1))).detail).toContain('would leave spam:2 now, not spam:1');
      const left = await Promise.all([from(release.operator, GOOD), from(second, GOOD)]);
      for (const after of left)
        expect(after).toMatchObject({ current: { version: 1 }, rolled_back: [{ version: GOOD }] });
    });

    it('when a rollout is aborted or rolled back twice, the second time for the revision before', async () => {
      const { release, second } = clients();
      for (const command of ['abort', 'rollBack'] as const) {
        const id = await start(BAD);
        const { revision } = await release.operator.rollouts.get({ id });
        const give = (client: RegistryClient) =>
          client.rollouts.command({ id }, { command, revision, reason: 'twice' });
        const [one, two] = await Promise.all([give(release.operator), give(second)]);
        expect(one.status).toBe(two.status);
        expect((await rows(`rollout/${id}`)).filter((r) => r.action === command)).toHaveLength(1);
      }
    });
  });

  describe('models, versions and endpoints', () => {
    const asked = async (endpoint: string) =>
      (await fetch(`${stack().routers[0]}/v2/models/${endpoint}/infer`, { method: 'POST', body: '{}' })).status;

    it('that have never served can be changed and deleted; repeating it changes nothing', async () => {
      const { admin, operator, register, viewer, supervisor } = clients().release;
      // Without a live worker no version can be tried before it is named.
      supervisor.kill('worker-1', 'SIGSTOP');
      const { version } = await register(Buffer.from(`no model ${Math.random()}`));
      const put = (v: number) => operator.endpoints.put({ name: 'stuck' }, { model: 'spam', version: v });
      let made: Endpoint | undefined;
      await until('the registry to know that no worker lives', async () => {
        made = await put(version).catch(() => undefined);
        return made !== undefined;
      });
      expect(made).toMatchObject({ current: { version }, served_at: null });
      const refused = await problemOf(admin.versions.delete({ model: 'spam', version }));
      expect(refused).toMatchObject({ status: 409, detail: expect.stringContaining('endpoint "stuck" names') });
      await until('the router to know it', async () => (await asked('stuck')) !== 404);
      for (let i = 0; i < 2; i++) await operator.endpoints.delete({ name: 'stuck' });
      await until('the router to forget it', async () => (await asked('stuck')) === 404);
      expect(await problemOf(viewer.endpoints.get({ name: 'stuck' }))).toMatchObject({ status: 404 });
      for (let i = 0; i < 2; i++) await admin.versions.delete({ model: 'spam', version });
      expect(await problemOf(viewer.versions.get({ model: 'spam', version }))).toMatchObject({ status: 404 });
      expect((await register(Buffer.from(`no model ${Math.random()}`))).version).toBe(version + 1);
      const deletions = await rows(`version/spam:${version}`);
      expect(deletions.map((r) => r.action)).toEqual(['register', 'delete']);
      // the name is free again: it serves at last, under a revision that every router takes for newer
      await put(version + 1);
      expect(await put(1)).toMatchObject({ current: { version: 1 } });
      supervisor.kill('worker-1', 'SIGCONT');
      await until('it to serve', async () => (await asked('stuck')) === 400);
      expect((await rows('endpoint/stuck')).map((r) => r.action)).toEqual(['create', 'delete', 'create', 'change']);
      await admin.models.create({ name: 'empty' });
      for (let i = 0; i < 2; i++) await admin.models.delete({ model: 'empty' });
      expect(await problemOf(admin.models.delete({ model: 'nothing' }))).toMatchObject({ status: 404 });
      expect(await problemOf(operator.endpoints.delete({ name: 'nothing' }))).toMatchObject({ status: 404 });
      expect(await problemOf(operator.models.delete({ model: 'empty' }))).toMatchObject({ status: 403 });
    });

    it('that have served are kept: an endpoint is retired, takes no traffic, and stays for the audit', async () => {
      const { admin, operator, viewer } = clients().release;
      for (const what of ['endpoints/stuck', 'models/spam/versions/1', 'models/spam'])
        expect(await problemOf(admin.call('DELETE', `/v1/${what}`)), what).toMatchObject({
          status: 409,
          detail: expect.stringContaining('has served'),
        });
      const retire = () => operator.endpoints.retire({ name: 'stuck' }, { reason: 'a test' });
      const first = await retire();
      expect(first).toMatchObject({
        retired_at: expect.any(Number),
        served_at: expect.any(Number),
        route_revision: null,
      });
      expect(await retire()).toEqual(first);
      await until('the router to refuse it', async () => (await asked('stuck')) === 404);
      expect(await viewer.endpoints.get({ name: 'stuck' })).toEqual(first);
      const again = operator.endpoints.put({ name: 'stuck' }, { model: 'spam', version: 1 });
      expect(await problemOf(again)).toMatchObject({ status: 409, detail: expect.stringContaining('was retired') });
      const rollout = { endpoint: 'stuck', candidate: { model: 'spam', version: GOOD }, steps: [{ switch: {} }] };
      expect(await problemOf(operator.rollouts.create(rollout))).toMatchObject({ status: 409 });
      expect((await rows('endpoint/stuck')).at(-1)).toMatchObject({ action: 'retire', reason: 'a test' });
      expect((await rows('route/stuck')).at(-1)).toMatchObject({ action: 'withdraw' });
      const id = await start(GOOD);
      expect(await problemOf(operator.endpoints.retire({ name: 'spam' }))).toMatchObject({
        status: 409,
        detail: expect.stringContaining(`the rollout ${id} of "spam" is under way`),
      });
      await operator.rollouts.command({ id }, { command: 'abort' });
    });
  });

  describe('a model', () => {
    it('that has served is retired once no endpoint serves it: then nothing new takes a version of it', async () => {
      const { admin, operator, viewer } = clients().release;
      const spam1 = await viewer.versions.get({ model: 'spam', version: 1 });
      await admin.models.create({ name: 'old-line' });
      const register = (price: number) =>
        admin.versions.register({ model: 'old-line' }, { bundle: { ...spam1.bundle, price } });
      const retire = () => admin.models.retire({ model: 'old-line' }, { reason: 'the end of it' });
      const put = (name: string) => operator.endpoints.put({ name }, { model: 'old-line', version: 1 });
      await register(1);
      await put('old');
      await until('it to have served', async () => (await operator.endpoints.get({ name: 'old' })).served_at !== null);
      expect(await problemOf(retire())).toMatchObject({ status: 409, detail: expect.stringMatching(/endpoint "old"/) });
      await operator.endpoints.retire({ name: 'old' });
      const candidate = { endpoint: 'spam', candidate: { model: 'old-line', version: 1 }, steps: [{ switch: {} }] };
      const { id } = await operator.rollouts.create(candidate);
      expect(await problemOf(retire())).toMatchObject({ status: 409, detail: expect.stringContaining(id) });
      await operator.rollouts.command({ id }, { command: 'abort' });
      const first = await retire();
      expect(first).toMatchObject({ name: 'old-line', retired_at: expect.any(Number) });
      expect(await retire()).toEqual(first);
      const rollOut = () => operator.rollouts.create(candidate);
      for (const ask of [() => register(2), () => put('other'), rollOut])
        expect(await problemOf(ask())).toMatchObject({
          status: 409,
          detail: expect.stringContaining('the model "old-line" was retired'),
        });
      expect((await rows('model/old-line')).at(-1)).toMatchObject({ action: 'retire', reason: 'the end of it' });
      const { items } = await viewer.models.list();
      expect(items.find((m) => m.name === 'old-line')).toEqual(first);
      expect(await problemOf(operator.models.retire({ model: 'spam' }))).toMatchObject({ status: 403 });
    });
  });

  describe('questions', () => {
    it('with an undeclared query parameter are refused; declared ones are used', async () => {
      const { viewer } = clients().release;
      for (const path of [
        '/v1/rollouts?state=running',
        '/v1/endpoints?name=spam',
        '/v1/metrics?kind=mean',
        '/v1/endpoints/spam?verbose=1',
        '/v1/audit/verification?full=1',
      ])
        expect(await problemOf(viewer.call('GET', path)), path).toMatchObject({
          status: 400,
          code: 'invalid_request',
          errors: [{ message: expect.stringContaining('is not a parameter of this operation') }],
        });
      const all = (await viewer.rollouts.list({ limit: 1000 })).items;
      const aborted = (await viewer.rollouts.list({ status: 'aborted', limit: 1000 })).items;
      expect(aborted.length).toBeGreaterThan(0);
      expect(aborted.map((r) => r.id)).toEqual(all.filter((r) => r.status === 'aborted').map((r) => r.id));
      expect(aborted.length).toBeLessThan(all.length);
      expect((await viewer.rollouts.list({ endpoint: 'nowhere' })).items).toEqual([]);
      expect(await problemOf(viewer.call('GET', '/v1/rollouts?status=dancing'))).toMatchObject({ status: 400 });
      expect(await problemOf(viewer.call('GET', '/v1/rollouts?cursor=---'))).toMatchObject({ status: 400 });
      const first = await viewer.metrics.list({ limit: 1 });
      const next = await viewer.metrics.list({ limit: 1, cursor: first.next_cursor ?? '' });
      expect([...first.items, ...next.items].map((m) => m.name)).toEqual(['error_rate', 'latency']);
    });
  });

  describe('metrics', () => {
    it('that no analyser can judge yet are refused when they are declared', async () => {
      const { admin } = clients().release;
      const refused = { field: 'kind' };
      for (const [kind, problem] of [
        ['quantile', { status: 422, code: 'not_supported', errors: [refused] }],
        ['mean', { status: 400, code: 'invalid_request', errors: [refused] }],
      ] as const)
        expect(
          await problemOf(
            admin.call('PUT', '/v1/metrics/revenue', {
              kind,
              source: { outcome: 'revenue' },
              per: 'exposed',
              direction: 'higher',
            }),
          ),
        ).toMatchObject(problem);
      const { items } = await admin.metrics.list();
      expect(items.map((m) => m.name)).not.toContain('revenue');
    });
    it('of an outcome declare what they are divided by', async () => {
      const { admin } = clients().release;
      const clicked = { kind: 'proportion', source: { outcome: 'click' }, direction: 'higher' } as const;
      expect(await problemOf(admin.call('PUT', '/v1/metrics/visited', clicked))).toMatchObject({
        status: 400,
        errors: [{ field: 'per', message: expect.stringContaining('"exposed"') }],
      });
      for (const per of ['exposed', 'observed'] as const)
        expect(await admin.metrics.put({ name: 'visited' }, { ...clicked, per })).toMatchObject({
          per,
          window: '1h',
        });
    });
  });
}

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { analyserApi, driftApi, registryApi, routerApi, statsApi } from '../operations/apis.ts';
import { checkQuery, mayLackBody, operation, operationsOf, parseRequest, pathOf, roleNeeded } from './operation.ts';

const { rollouts, versions, endpoints, metrics } = registryApi;

describe('the operations of an API', () => {
  it.each(Object.entries({ registryApi, routerApi, analyserApi, statsApi, driftApi }))(
    '%s: each has a unique route, and a schema for each name in its path',
    (_, api) => {
      const all = operationsOf(api);
      const routes = all.map(({ operation: o }) => `${o.method} ${o.path.replace(/\{\w+\}/g, '*')}`);
      expect(new Set(routes).size).toBe(all.length);
      for (const { operation: o } of all)
        expect(Object.keys(o.params.shape)).toEqual([...o.path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]));
    },
  );
  it('do not compile when a name in the path has no schema, or a schema has no name in the path', () => {
    const get = { method: 'get', summary: '', role: 'viewer' } as const;
    // @ts-expect-error: no schema for {id}
    operation({ ...get, path: '/v1/notes/{id}' });
    // @ts-expect-error: another name
    operation({ ...get, path: '/v1/notes/{id}', params: { name: z.string() } });
    // @ts-expect-error: the path has no names
    operation({ ...get, path: '/v1/notes', params: { id: z.string() } });
    expect(operation({ ...get, path: '/v1/notes/{id}', params: { id: z.string() } }).statuses).toEqual([200]);
  });
});

describe('the query parameters of an operation', () => {
  it('are those that it declares; any other is refused by name', () => {
    for (const { operation: op } of operationsOf(registryApi)) {
      for (const name of Object.keys(op.query.shape)) checkQuery(op, { [name]: '1' });
      expect(() => checkQuery(op, { colour: 'red' })).toThrow('colour: is not a parameter of this operation');
    }
    expect(() => checkQuery(rollouts.list, { limit: 1, state: 'x' })).toThrow(
      'state: is not a parameter of this operation; cursor, limit, endpoint, status may be given',
    );
    expect(() => checkQuery(rollouts.get, { state: 'x' })).toThrow(
      'is not a parameter of this operation; none may be given',
    );
  });
});

describe('a request, parsed by its operation', () => {
  it('has numbers parsed from path and query text, and defaults', () => {
    expect(parseRequest(versions.get, { params: { model: 'spam', version: '7' }, query: {}, body: undefined })).toEqual(
      { params: { model: 'spam', version: 7 }, query: {}, body: undefined },
    );
    expect(parseRequest(versions.list, { params: { model: 'x' }, query: { limit: '5' }, body: null }).query).toEqual({
      limit: 5,
    });
    expect(() => parseRequest(versions.get, { params: { model: 'spam', version: 'x' }, query: {}, body: {} })).toThrow(
      'version: a whole number',
    );
  });
  it('may lack its body only when everything in it has a default', () => {
    for (const body of [undefined, null, {}])
      expect(parseRequest(endpoints.rollBack, { params: { name: 'spam' }, query: {}, body }).body).toEqual({
        reason: '',
      });
    expect(() => parseRequest(rollouts.create, { params: {}, query: {}, body: undefined })).toThrow('(body)');
    expect([endpoints.rollBack, endpoints.retire, rollouts.create, metrics.put].map(mayLackBody)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
  it('is built from its values: those that the path does not name become query parameters', () => {
    expect(pathOf(versions.get, { model: 'a/b', version: 3 })).toBe('/v1/models/a%2Fb/versions/3');
    expect(pathOf(rollouts.list, { endpoint: 'spam', status: undefined, limit: 2 })).toBe(
      '/v1/rollouts?endpoint=spam&limit=2',
    );
  });
});

describe('the role that a command needs', () => {
  it.each([
    [{ command: 'approve' }, 'approver'],
    [{ command: 'promote' }, 'operator'],
    [{ command: 'constructor' }, 'operator'],
    [{ command: '__proto__' }, 'operator'],
    [{ command: ['approve'] }, 'operator'],
    [null, 'operator'],
    ['approve', 'operator'],
  ])('%j: %s', (body, role) => expect(roleNeeded(rollouts.command, body)).toBe(role));
});

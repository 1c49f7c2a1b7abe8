import { describe, expect, it } from 'vitest';
import { registryApi, routerApi } from '../operations/apis.ts';
import { openApiDocument } from './openapi.ts';
import { operationsOf, roleNeeded } from './operation.ts';

const describing = (api: Parameters<typeof operationsOf>[0]) => openApiDocument({ title: 'x', version: '1' }, api);
const operations = operationsOf(registryApi);

describe('declared shapes', () => {
  it('has every operation, with its path parameters, body and problem document', () => {
    const document = describing(registryApi) as {
      paths: Record<
        string,
        Record<
          string,
          {
            parameters: { name: string; in: string }[];
            responses: Record<string, { content?: Record<string, unknown> }>;
            requestBody?: unknown;
            operationId: string;
          }
        >
      >;
    };
    const ids = new Set<string>();
    for (const { name, operation: op } of operations) {
      const described = document.paths[op.path]?.[op.method];
      expect(described, `${op.method} ${op.path}`).toBeDefined();
      expect(described?.operationId).toBe(name);
      ids.add(name);
      const names = described?.parameters.filter((p) => p.in === 'path').map((p) => `{${p.name}}`) ?? [];
      expect(op.path.match(/\{\w+\}/g) ?? []).toEqual(names);
      const { responses = {} } = described ?? {};
      const isSuccess = (status: string) => /^2\d\d$/.test(status);
      const successes = Object.keys(responses).filter(isSuccess);
      const refusals = Object.keys(responses).filter((status) => !isSuccess(status));
      expect(successes).toEqual([...op.statuses].sort().map(String));
      // Every success has a response schema, except deletions.
      for (const success of successes)
        expect(Object.keys(responses[success]?.content ?? {})).toHaveLength(op.method === 'delete' ? 0 : 1);
      expect(refusals).toEqual(expect.arrayContaining(['400', '401', '403', '5XX']));
      expect(refusals.flatMap((status) => Object.keys(responses[status]?.content ?? {}))).toEqual(
        refusals.map(() => 'application/problem+json'),
      );
      expect(described?.requestBody !== undefined).toBe(op.body !== undefined);
    }
    expect(ids.size).toBe(operations.length);
  });

  it('names the role that each request needs, the same that the code requires', () => {
    const { paths } = describing(registryApi) as { paths: Record<string, Record<string, { description: string }>> };
    for (const { operation: op } of operations) {
      const said = paths[op.path]?.[op.method]?.description;
      expect(said).toContain(`the role ${roleNeeded(op, {})}`);
      for (const value of Object.keys(op.roleBy?.roles ?? {}))
        expect(said).toContain(
          `${op.roleBy?.field} "${value}": ${roleNeeded(op, { [op.roleBy?.field ?? '']: value })}`,
        );
    }
    expect(paths['/v1/rollouts/{id}/commands']?.['post']?.description).toBe(
      'Needs a key with the role operator; command "approve": approver.',
    );
  });

  it('says that any key is sufficient where a service opens operations to its callers', () => {
    const { paths } = describing(routerApi) as { paths: Record<string, Record<string, { description: string }>> };
    expect(paths['/v1/outcomes']?.['post']?.description).toContain('a key of any role');
  });
});

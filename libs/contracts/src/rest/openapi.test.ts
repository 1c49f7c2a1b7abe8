import { describe, expect, it } from 'vitest';
import { openApiDocument } from './openapi.ts';
import { operations, roleNeeded } from './operations.ts';

describe('declared shapes', () => {
  it('describes every operation, with its path parameters, body and problem document', () => {
    const document = openApiDocument('1') as {
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
    for (const op of operations) {
      const described = document.paths[op.path]?.[op.method];
      expect(described, `${op.method} ${op.path}`).toBeDefined();
      ids.add(described?.operationId ?? '');
      const names = described?.parameters.filter((p) => p.in === 'path').map((p) => `{${p.name}}`) ?? [];
      expect(op.path.match(/\{\w+\}/g) ?? []).toEqual(names);
      const { responses = {} } = described ?? {};
      const [success, ...refusals] = Object.keys(responses);
      expect(success).toMatch(/^2\d\d$/);
      // A success says what it gives; only a deletion gives nothing.
      expect(Object.keys(responses[success as string]?.content ?? {})).toHaveLength(op.method === 'delete' ? 0 : 1);
      expect(refusals).toEqual(expect.arrayContaining(['400', '401', '403', '5XX']));
      expect(refusals.flatMap((status) => Object.keys(responses[status]?.content ?? {}))).toEqual(
        refusals.map(() => 'application/problem+json'),
      );
      expect(described?.requestBody !== undefined).toBe(
        op.body !== undefined || (op.bytes === true && op.method === 'put'),
      );
    }
    expect(ids.size).toBe(operations.length);
  });

  it('names the role that each request needs, as the code decides it', () => {
    const { paths } = openApiDocument('1') as { paths: Record<string, Record<string, { description: string }>> };
    for (const op of operations) {
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
});

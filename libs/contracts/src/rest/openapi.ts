import { z } from 'zod';
import { type Operation, operations } from './operations.ts';
import { problemSchema } from './problem.ts';

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Record<string, unknown>;
  return rest;
}

/** Of a success. */
function statusOf({ method, path }: Operation): string {
  if (method === 'delete') return '204';
  return method === 'post' && !/\/(commands|rollback|retire)$/.test(path) ? '201' : '200';
}

/** The OpenAPI 3.1 document of the registry, generated from the zod values that the controllers parse with. */
export function openApiDocument(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const op of operations) {
    const parameters: object[] = [...op.path.matchAll(/\{(\w+)\}/g)].map((m) => ({
      name: m[1],
      in: 'path',
      required: true,
      schema: { type: 'string' },
    }));
    for (const [name, s] of Object.entries(op.query?.shape ?? {}))
      parameters.push({ name, in: 'query', required: false, schema: schemaOf(s as z.ZodType, 'input') });
    if (op.method === 'post')
      parameters.push({ name: 'Idempotency-Key', in: 'header', required: false, schema: { type: 'string' } });
    const binary = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } };
    const item = (paths[op.path] ??= {});
    item[op.method] = {
      summary: op.summary,
      description: `Needs a key with the role ${op.role}.`,
      operationId: `${op.method}${op.path
        .replace(/^\/v1/, '')
        .replace(/[{}]/g, '')
        .replace(/[/-](\w?)/g, (_, c: string) => c.toUpperCase())}`,
      parameters,
      ...(op.body
        ? { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(op.body, 'input') } } } }
        : op.bytes && op.method === 'put'
          ? { requestBody: { required: true, content: binary } }
          : {}),
      responses: {
        [statusOf(op)]: {
          description: 'Done',
          ...(op.response
            ? { content: { 'application/json': { schema: schemaOf(op.response, 'output') } } }
            : op.bytes
              ? { content: binary }
              : {}),
        },
        default: {
          description: 'A problem document (RFC 9457)',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Slipway registry', version },
    security: [{ key: [] }],
    paths,
    components: {
      schemas: { Problem: schemaOf(problemSchema, 'output') },
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
    },
  };
}

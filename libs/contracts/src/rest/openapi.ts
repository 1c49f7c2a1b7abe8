import { z } from 'zod';
import { type Operation, operations, pathParameters } from './operations.ts';
import { problemSchema, problems } from '@slipway/core';

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => listOfOneKind(jsonSchema),
  }) as Record<string, unknown>;
  return rest;
}

/** A pair of numbers as a list of two numbers: many readers of OpenAPI do not know `prefixItems`. */
function listOfOneKind(schema: { prefixItems?: unknown[]; items?: unknown }): void {
  const [first, ...others] = schema.prefixItems?.map((item) => JSON.stringify(item)) ?? [];
  if (first === undefined || others.some((other) => other !== first)) return;
  schema.items = JSON.parse(first);
  delete schema.prefixItems;
}

const STATUS = { get: 200, put: 200, post: 201, delete: 204 } as const;

/** The statuses of the refusals that an operation knows; whatever is on our side is a 5xx. */
function refusals({ method, path, body }: Operation): number[] {
  const names = path.includes('{') || body !== undefined;
  return [400, 401, 403, ...(names ? [404] : []), ...(method === 'get' ? [] : [409, 413, 415, 422])];
}
const refused = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});
const titleOf = (status: number) =>
  Object.values(problems)
    .flatMap(([of, title]) => (of === status ? [title] : []))
    .join('; or: ');

/** Said by what the code goes by. */
function roleSentence({ role, roleBy }: Operation): string {
  const others = Object.entries(roleBy?.roles ?? {}).map(([value, r]) => `; ${roleBy?.field} "${value}": ${r}`);
  return `Needs a key with the role ${role}${others.join('')}.`;
}

/** The OpenAPI 3.1 document of the registry, generated from the zod values that the controllers parse with. */
export function openApiDocument(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const op of operations) {
    const parameters: object[] = [...op.path.matchAll(/\{(\w+)\}/g)].map((m) => ({
      name: m[1],
      in: 'path',
      required: true,
      schema: schemaOf((op.parameters?.[m[1] as string] ?? pathParameters[m[1] as string]) as z.ZodType, 'input'),
    }));
    for (const [name, s] of Object.entries(op.query?.shape ?? {}))
      parameters.push({ name, in: 'query', required: false, schema: schemaOf(s as z.ZodType, 'input') });
    if (op.method === 'post')
      parameters.push({
        name: 'Idempotency-Key',
        in: 'header',
        required: false,
        schema: { type: 'string', minLength: 1, maxLength: 255 },
      });
    const binary = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } };
    const item = (paths[op.path] ??= {});
    item[op.method] = {
      summary: op.summary,
      description: roleSentence(op),
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
        [op.status ?? STATUS[op.method]]: {
          description: 'Done',
          ...(op.response
            ? { content: { 'application/json': { schema: schemaOf(op.response, 'output') } } }
            : op.bytes
              ? { content: binary }
              : op.produces
                ? { content: { [op.produces]: { schema: { type: 'string' } } } }
                : {}),
        },
        ...Object.fromEntries(refusals(op).map((status) => [status, refused(titleOf(status))])),
        '5XX': refused('An error on our side, or not possible yet'),
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

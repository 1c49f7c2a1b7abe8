import { problemSchema, problems } from '@slipway/core';
import { z } from 'zod';
import { type Api, mayLackBody, type Operation, operationsOf } from './operation.ts';

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => listOfOneKind(jsonSchema),
  }) as Record<string, unknown>;
  return rest;
}

/** A pair of numbers as a list of two numbers, since many readers of OpenAPI do not support `prefixItems`. */
function listOfOneKind(schema: { prefixItems?: unknown[]; items?: unknown }): void {
  const [first, ...others] = schema.prefixItems?.map((item) => JSON.stringify(item)) ?? [];
  if (first === undefined || others.some((other) => other !== first)) return;
  schema.items = JSON.parse(first);
  delete schema.prefixItems;
}

/** The statuses of an operation's refusals; errors of the service itself are 5xx. */
function refusals({ method, path, body }: Operation): number[] {
  const names = path.includes('{') || body instanceof z.ZodType;
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

/** Text made from the values that the code uses. */
function roleSentence({ role, roleBy }: Operation): string {
  if (role === 'caller') return 'Needs a key of any role, if the service is configured to require keys.';
  const others = Object.entries(roleBy?.roles ?? {}).map(([value, r]) => `; ${roleBy?.field} "${value}": ${r}`);
  return `Needs a key with the role ${role}${others.join('')}.`;
}

const BINARY = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } };

function parametersOf(op: Operation): object[] {
  const parameters: object[] = Object.entries(op.params.shape).map(([name, schema]) => ({
    name,
    in: 'path',
    required: true,
    schema: schemaOf(schema, 'output'),
  }));
  for (const [name, schema] of Object.entries(op.query.shape))
    parameters.push({ name, in: 'query', required: false, schema: schemaOf(schema, 'input') });
  if (op.repeatable === 'by key')
    parameters.push({
      name: 'Idempotency-Key',
      in: 'header',
      required: false,
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    });
  return parameters;
}

function requestBody(op: Operation): object {
  if (op.body === undefined) return {};
  if (op.body === 'bytes') return { requestBody: { required: true, content: BINARY } };
  const content = { 'application/json': { schema: schemaOf(op.body, 'input') } };
  return { requestBody: { required: !mayLackBody(op), content } };
}

function answer({ response }: Operation): object {
  if (response === undefined) return { description: 'Done' };
  const content =
    response === 'bytes'
      ? BINARY
      : response instanceof z.ZodType
        ? { 'application/json': { schema: schemaOf(response, 'output') } }
        : { 'text/event-stream': { schema: { type: 'string' } } };
  return { description: 'Done', content };
}

/**
 * The OpenAPI 3.1 document of a service, made from the values that its controllers use.
 * @param info the service's title and version
 */
export function openApiDocument(info: { title: string; version: string }, api: Api): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { name, operation: op } of operationsOf(api)) {
    const item = (paths[op.path] ??= {});
    item[op.method] = {
      summary: op.summary,
      description: roleSentence(op),
      operationId: name,
      parameters: parametersOf(op),
      ...requestBody(op),
      responses: {
        ...Object.fromEntries(op.statuses.map((status) => [status, answer(op)])),
        ...Object.fromEntries(refusals(op).map((status) => [status, refused(titleOf(status))])),
        '5XX': refused('An internal error, or the service is not ready'),
      },
    };
  }
  return {
    openapi: '3.1.0',
    info,
    security: [{ key: [] }],
    paths,
    components: {
      schemas: { Problem: schemaOf(problemSchema, 'output') },
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
    },
  };
}

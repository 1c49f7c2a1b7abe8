// Over 300 lines: it is one list, the operations of the API, with the schemas that only they have.
import { z } from 'zod';
import { auditRowSchema, auditVerificationSchema } from '../audit/audit.ts';
import { bundleSchema, versionSchema } from '@slipway/model';
import { revisionSchema } from '@slipway/core';
import { evidenceSchema } from '@slipway/release';
import { loadableSchema } from '../routing/route.ts';
import { checkDeclaration, metricFieldsSchema, metricSchema } from '@slipway/release';
import {
  nameSchema,
  sha256Schema,
  timeMsSchema,
  unitKindSchema,
  versionNumberSchema,
  versionRefSchema,
} from '@slipway/core';
import { rolloutSpecSchema } from '@slipway/release';
import { commandSchema, rolloutSchema, rolloutStatusSchema } from '@slipway/release';
import { accessKeySchema } from './access.ts';
import { explanationSchema } from './explanation.ts';
import { type Role, roleSchema } from './roles.ts';

export type Operation = {
  readonly method: 'get' | 'put' | 'post' | 'delete';
  readonly path: string;
  readonly summary: string;
  readonly role: Role;
  readonly body?: z.ZodType;
  readonly query?: z.ZodObject;
  /** What stands for `{name}` in the path, where it is not what `pathParameters` says. */
  readonly parameters?: Readonly<Record<string, z.ZodType>>;
  readonly response?: z.ZodType;
  /** Of a success; 201 for POST, 204 for DELETE and 200 for the rest when absent. */
  readonly status?: number;
  /** The media type of an answer that is no JSON. */
  readonly produces?: string;
  /** `application/octet-stream` bodies and answers. */
  readonly bytes?: boolean;
  /** Where the body decides: the role that a value of a field needs instead of `role`. */
  readonly roleBy?: { readonly field: string; readonly roles: Readonly<Record<string, Role>> };
  /** Fields of the answer that are given once: no record of the request holds them. */
  readonly once?: readonly string[];
};

function page<S extends z.ZodType>(item: S) {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}
const cursor = { error: 'give the next_cursor of the page before' };
const digits = (most: number) => z.string().regex(new RegExp(`^\\d{1,${most}}$`), cursor);
const pageQuery = <C extends z.ZodType<string>>(of: C) =>
  z.object({ cursor: of.optional(), limit: z.coerce.number().int().min(1).max(1000).default(100) });

/** What may stand for a parameter of a path. */
export const pathParameters: Readonly<Record<string, z.ZodType>> = {
  model: nameSchema,
  name: nameSchema,
  version: versionNumberSchema,
  sha256: sha256Schema,
  id: z.uuid(),
};

export const modelSchema = z.object({
  name: nameSchema,
  description: z.string(),
  created_at: timeMsSchema,
  created_by: z.string(),
  /** Since when nothing new takes one of its versions any more, for good. */
  retired_at: timeMsSchema.nullable(),
});
export type Model = z.infer<typeof modelSchema>;
export const endpointSchema = z.object({
  name: nameSchema,
  current: versionRefSchema,
  /** What a rollback returns to; null when there is nothing, or it was returned to already. */
  previous: versionRefSchema.nullable(),
  /** What was rolled back last: until another rollout starts, a rollback changes nothing more. */
  rolled_back: versionRefSchema.nullable(),
  unit: unitKindSchema,
  timeout_ms: z.int(),
  rollout_id: z.string().nullable(),
  route_revision: revisionSchema.nullable(),
  created_at: timeMsSchema,
  /** Since when something could have been answered; null while nothing could. */
  served_at: timeMsSchema.nullable(),
  /** Since when it takes no traffic any more, for good. */
  retired_at: timeMsSchema.nullable(),
});
export type Endpoint = z.infer<typeof endpointSchema>;

export const modelInputSchema = z.strictObject({ name: nameSchema, description: z.string().max(2000).default('') });
export const versionInputSchema = z.strictObject({ version: versionNumberSchema.optional(), bundle: bundleSchema });
export const endpointInputSchema = z.strictObject({
  model: nameSchema,
  version: versionNumberSchema,
  unit: unitKindSchema.default('request'),
  timeout_ms: z.int().min(1).max(600_000).default(10_000),
});
export const trialsSchema = z.object({ items: z.array(loadableSchema) });
export const metricInputSchema = metricFieldsSchema.omit({ name: true }).superRefine(checkDeclaration);
export const keyInputSchema = z.strictObject({ name: z.string().min(1).max(63), role: roleSchema });
/** An API key as it is listed. */
export const keySchema = accessKeySchema.omit({ sha256: true, revision: true });
export const retireInputSchema = z.strictObject({ reason: z.string().max(1000).default('') });
export const rollbackInputSchema = z.strictObject({
  reason: z.string().max(1000).default(''),
  /** The version to leave: it is left even where another one was rolled back before. Left already: nothing changes. */
  from: versionRefSchema.optional(),
});
export const auditQuerySchema = pageQuery(digits(18)).extend({
  aggregate: z.string().optional(),
  from: z.coerce.number().int().optional(),
  to: z.coerce.number().int().optional(),
});
/** Of what is listed by name. */
export const listQuerySchema = pageQuery(nameSchema);
export const versionQuerySchema = pageQuery(digits(7));
export const evidenceQuerySchema = pageQuery(digits(18));
export const keyQuerySchema = pageQuery(z.uuid(cursor));
export const rolloutQuerySchema = pageQuery(z.uuid(cursor)).extend({
  endpoint: nameSchema.optional(),
  status: rolloutStatusSchema.optional(),
});

/** The registry's REST API, once: `/openapi.json` is made from this list. */
export const operations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/models',
    summary: 'Models',
    role: 'viewer',
    query: listQuerySchema,
    response: page(modelSchema),
  },
  {
    method: 'post',
    path: '/v1/models',
    summary: 'Declare a model: a named line of versions',
    role: 'publisher',
    body: modelInputSchema,
    response: modelSchema,
  },
  {
    method: 'get',
    path: '/v1/models/{model}/versions',
    summary: 'Versions of a model',
    role: 'viewer',
    query: versionQuerySchema,
    response: page(versionSchema),
  },
  {
    method: 'post',
    path: '/v1/models/{model}/versions',
    summary: 'Register an immutable version; the next number when none is given',
    role: 'publisher',
    body: versionInputSchema,
    response: versionSchema,
  },
  {
    method: 'get',
    path: '/v1/models/{model}/versions/{version}',
    summary: 'One version with its bundle and digest',
    role: 'viewer',
    response: versionSchema,
  },
  {
    method: 'delete',
    path: '/v1/models/{model}/versions/{version}',
    summary: 'Delete a version that has never served and that nothing names; its number is not used again',
    role: 'publisher',
  },
  {
    method: 'delete',
    path: '/v1/models/{model}',
    summary: 'Delete a model none of whose versions has served or is named',
    role: 'publisher',
  },
  {
    method: 'post',
    path: '/v1/models/{model}/retire',
    summary: 'End a model for good once no endpoint serves it: no more versions and rollouts; it is kept for the audit',
    role: 'publisher',
    body: retireInputSchema,
    response: modelSchema,
    status: 200,
  },
  {
    method: 'get',
    path: '/v1/trials',
    summary: 'Versions that no worker has tried to load yet, as workers need them',
    role: 'viewer',
    response: trialsSchema,
  },
  {
    method: 'put',
    path: '/v1/artifacts/{sha256}',
    summary: 'Store a file by its SHA-256',
    role: 'publisher',
    bytes: true,
    response: z.object({ sha256: z.string(), bytes: z.int() }),
  },
  {
    method: 'get',
    path: '/v1/artifacts/{sha256}',
    summary: 'Fetch a file by its SHA-256',
    role: 'viewer',
    bytes: true,
  },
  {
    method: 'get',
    path: '/v1/endpoints',
    summary: 'Endpoints',
    role: 'viewer',
    query: listQuerySchema,
    response: page(endpointSchema),
  },
  {
    method: 'put',
    path: '/v1/endpoints/{name}',
    summary: 'Create an endpoint, or change its settings; once it has served, its version changes by rollouts',
    role: 'operator',
    body: endpointInputSchema,
    response: endpointSchema,
  },
  { method: 'get', path: '/v1/endpoints/{name}', summary: 'One endpoint', role: 'viewer', response: endpointSchema },
  {
    method: 'post',
    path: '/v1/endpoints/{name}/rollback',
    summary: 'Roll back the rollout under way, or else return to the version before; again, it changes nothing',
    role: 'operator',
    body: rollbackInputSchema,
    response: endpointSchema,
    status: 200,
  },
  {
    method: 'delete',
    path: '/v1/endpoints/{name}',
    summary: 'Delete an endpoint that has never served',
    role: 'operator',
  },
  {
    method: 'post',
    path: '/v1/endpoints/{name}/retire',
    summary: 'End the traffic of an endpoint for good; it is kept for the audit',
    role: 'operator',
    body: retireInputSchema,
    response: endpointSchema,
    status: 200,
  },
  {
    method: 'get',
    path: '/v1/metrics',
    summary: 'Metrics, built-in ones included',
    role: 'viewer',
    query: listQuerySchema,
    response: page(metricSchema),
  },
  {
    method: 'put',
    path: '/v1/metrics/{name}',
    summary: 'Declare a metric',
    role: 'publisher',
    body: metricInputSchema,
    response: metricSchema,
  },
  {
    method: 'get',
    path: '/v1/rollouts',
    summary: 'Rollouts, newest first',
    role: 'viewer',
    query: rolloutQuerySchema,
    response: page(rolloutSchema),
  },
  {
    method: 'post',
    path: '/v1/rollouts',
    summary: 'Create a rollout; it starts by the command "start"',
    role: 'operator',
    body: rolloutSpecSchema,
    response: rolloutSchema,
  },
  {
    method: 'get',
    path: '/v1/rollouts/{id}',
    summary: 'One rollout with its whole state',
    role: 'viewer',
    response: rolloutSchema,
  },
  {
    method: 'post',
    path: '/v1/rollouts/{id}/commands',
    summary: 'start, promote, pause, resume, abort, rollBack, approve',
    role: 'operator',
    roleBy: { field: 'command', roles: { approve: 'approver' } },
    body: commandSchema,
    response: rolloutSchema,
    status: 200,
  },
  {
    method: 'get',
    path: '/v1/rollouts/{id}/evidence',
    summary: 'The evidence that changed a verdict, newest first',
    role: 'viewer',
    query: evidenceQuerySchema,
    response: page(evidenceSchema),
  },
  {
    method: 'get',
    path: '/v1/rollouts/{id}/events',
    summary: 'Server-sent events: state and evidence as they change',
    role: 'viewer',
    produces: 'text/event-stream',
  },
  {
    method: 'get',
    path: '/v1/audit',
    summary: 'The audit chain',
    role: 'viewer',
    query: auditQuerySchema,
    response: page(auditRowSchema),
  },
  {
    method: 'get',
    path: '/v1/audit/verification',
    summary:
      'Recomputes every chain, checks every signature and compares with audit.v1: what was changed, rewritten ' +
      'or is missing',
    role: 'viewer',
    response: auditVerificationSchema,
  },
  {
    method: 'get',
    path: '/v1/requests/{id}',
    summary:
      'What served a request, and why: version, arm, probability, revision, rollout, who approved, on what evidence',
    role: 'viewer',
    parameters: { id: z.string().min(1).max(128) },
    response: explanationSchema,
  },
  {
    method: 'get',
    path: '/v1/keys',
    summary: 'API keys with their roles, newest first; never the keys themselves',
    role: 'admin',
    query: keyQuerySchema,
    response: page(keySchema),
  },
  {
    method: 'post',
    path: '/v1/keys/{id}/revoke',
    summary: 'Revoke an API key, for good; repeating it changes nothing',
    role: 'admin',
    response: keySchema,
    status: 200,
  },
  {
    method: 'post',
    path: '/v1/keys',
    summary: 'Make an API key; it is shown once, and not again to a repeat with the same Idempotency-Key',
    role: 'admin',
    once: ['key'],
    body: keyInputSchema,
    // A repeat with the same Idempotency-Key is answered without the key.
    response: z.object({ id: z.string(), name: z.string(), role: roleSchema, key: z.string().optional() }),
  },
];

/** The role that a request needs by its operation; a body that is no object needs what the operation says. */
export function roleNeeded(operation: Operation, body: unknown): Role {
  const { field = '', roles = {} } = operation.roleBy ?? {};
  const value = (body as Record<string, unknown> | null | undefined)?.[field];
  return (typeof value === 'string' && Object.hasOwn(roles, value) ? roles[value] : undefined) ?? operation.role;
}

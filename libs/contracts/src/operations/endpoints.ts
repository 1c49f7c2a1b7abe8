import {
  nameSchema,
  revisionSchema,
  timeMsSchema,
  unitKindSchema,
  versionNumberSchema,
  versionRefSchema,
} from '@slipway/core';
import { z } from 'zod';
import { listQuerySchema, page, reasonSchema, retireInputSchema, soughtName } from '../rest/fields.ts';
import { operation } from '../rest/operation.ts';

const endpointSchema = z.object({
  name: nameSchema,
  current: versionRefSchema,
  /** The version that a rollback returns to; null when there is none, or the endpoint has already returned to it. */
  previous: versionRefSchema.nullable(),
  /** What was rolled back last, empty where nothing was: until another rollout starts, a rollback changes no more. */
  rolled_back: z.array(versionRefSchema),
  unit: unitKindSchema,
  timeout_ms: z.int(),
  rollout_id: z.string().nullable(),
  route_revision: revisionSchema.nullable(),
  created_at: timeMsSchema,
  /** When the endpoint could first answer; null until then. */
  served_at: timeMsSchema.nullable(),
  /** When the endpoint was retired, permanently. */
  retired_at: timeMsSchema.nullable(),
});
export type Endpoint = z.infer<typeof endpointSchema>;

const params = { name: soughtName };

export const endpoints = {
  list: operation({
    method: 'get',
    path: '/v1/endpoints',
    summary: 'Endpoints',
    role: 'viewer',
    query: listQuerySchema,
    response: page(endpointSchema),
  }),
  put: operation({
    method: 'put',
    path: '/v1/endpoints/{name}',
    summary: 'Create an endpoint, or change its settings; once it has served, its version changes by rollouts only',
    role: 'operator',
    params: { name: nameSchema },
    body: z.strictObject({
      model: nameSchema,
      version: versionNumberSchema,
      unit: unitKindSchema.default('request'),
      timeout_ms: z.int().min(1).max(600_000).default(10_000),
    }),
    response: endpointSchema,
  }),
  get: operation({
    method: 'get',
    path: '/v1/endpoints/{name}',
    summary: 'One endpoint',
    role: 'viewer',
    params,
    response: endpointSchema,
  }),
  rollBack: operation({
    method: 'post',
    path: '/v1/endpoints/{name}/rollback',
    summary: 'Roll back the rollout under way, or else return to the previous version; repeating it changes nothing',
    role: 'operator',
    params,
    body: z
      .strictObject({
        reason: reasonSchema,
        /**
         * The version to leave, even if another one was rolled back before. When it has been left already, nothing
         * changes.
         */
        from: versionRefSchema.optional(),
      })
      .prefault({}),
    response: endpointSchema,
    status: 200,
  }),
  delete: operation({
    method: 'delete',
    path: '/v1/endpoints/{name}',
    summary: 'Delete an endpoint that has never served',
    role: 'operator',
    params,
  }),
  retire: operation({
    method: 'post',
    path: '/v1/endpoints/{name}/retire',
    summary: 'Retire an endpoint permanently; it is kept for the audit',
    role: 'operator',
    params,
    body: retireInputSchema,
    response: endpointSchema,
    status: 200,
  }),
};

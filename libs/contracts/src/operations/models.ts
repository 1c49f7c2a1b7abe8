import { nameSchema, timeMsSchema, versionNumberSchema } from '@slipway/core';
import { bundleSchema, versionSchema } from '@slipway/model';
import { z } from 'zod';
import {
  listQuerySchema,
  numberCursor,
  page,
  pageQuery,
  pathVersionSchema,
  retireInputSchema,
  soughtName,
} from '../rest/fields.ts';
import { operation } from '../rest/operation.ts';

export const modelSchema = z.object({
  name: nameSchema,
  description: z.string(),
  created_at: timeMsSchema,
  created_by: z.string(),
  /** When the model was retired: since then no rollout or endpoint can start to use its versions. */
  retired_at: timeMsSchema.nullable(),
});
export type Model = z.infer<typeof modelSchema>;

const model = { model: soughtName };
const version = { ...model, version: pathVersionSchema };

export const models = {
  list: operation({
    method: 'get',
    path: '/v1/models',
    summary: 'Models',
    role: 'viewer',
    query: listQuerySchema,
    response: page(modelSchema),
  }),
  create: operation({
    method: 'post',
    path: '/v1/models',
    summary: 'Declare a model: a named line of versions',
    role: 'publisher',
    body: z.strictObject({ name: nameSchema, description: z.string().max(2000).default('') }),
    response: modelSchema,
  }),
  delete: operation({
    method: 'delete',
    path: '/v1/models/{model}',
    summary: 'Delete a model of which no version has served or is referenced',
    role: 'publisher',
    params: model,
  }),
  retire: operation({
    method: 'post',
    path: '/v1/models/{model}/retire',
    summary:
      'Retire a model permanently when no endpoint serves it: no more versions and rollouts; it is kept for the audit',
    role: 'publisher',
    params: model,
    body: retireInputSchema,
    response: modelSchema,
    status: 200,
  }),
};

export const versions = {
  list: operation({
    method: 'get',
    path: '/v1/models/{model}/versions',
    summary: 'List the versions of a model',
    role: 'viewer',
    params: model,
    query: pageQuery(numberCursor(7)),
    response: page(versionSchema),
  }),
  register: operation({
    method: 'post',
    path: '/v1/models/{model}/versions',
    summary: 'Register an immutable version; it gets the next number when none is given',
    role: 'publisher',
    params: model,
    body: z.strictObject({ version: versionNumberSchema.optional(), bundle: bundleSchema }),
    response: versionSchema,
    // 200: the version exists already with the same bundle.
    status: [201, 200],
  }),
  get: operation({
    method: 'get',
    path: '/v1/models/{model}/versions/{version}',
    summary: 'One version with its bundle and digest',
    role: 'viewer',
    params: version,
    response: versionSchema,
  }),
  delete: operation({
    method: 'delete',
    path: '/v1/models/{model}/versions/{version}',
    summary: 'Delete a version that has never served and is not referenced; its number is not used again',
    role: 'publisher',
    params: version,
  }),
};

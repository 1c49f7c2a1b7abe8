import { nameSchema } from '@slipway/core';
import { checkDeclaration, metricFieldsSchema, metricSchema } from '@slipway/release';
import { listQuerySchema, page } from '../rest/fields.ts';
import { operation } from '../rest/operation.ts';

export const metricInputSchema = metricFieldsSchema.omit({ name: true }).superRefine(checkDeclaration);

export const metrics = {
  list: operation({
    method: 'get',
    path: '/v1/metrics',
    summary: 'List metrics, including the built-in ones',
    role: 'viewer',
    query: listQuerySchema,
    response: page(metricSchema),
  }),
  put: operation({
    method: 'put',
    path: '/v1/metrics/{name}',
    summary: 'Declare a metric',
    role: 'publisher',
    params: { name: nameSchema },
    body: metricInputSchema,
    response: metricSchema,
  }),
};

import { z } from 'zod';
import { loadableSchema } from '../routing/load.ts';
import { operation } from '../rest/operation.ts';

export const trialsSchema = z.object({ items: z.array(loadableSchema) });

export const trials = {
  list: operation({
    method: 'get',
    path: '/v1/trials',
    summary: 'List the versions that no worker has tried to load yet, for workers',
    role: 'viewer',
    response: trialsSchema,
  }),
};

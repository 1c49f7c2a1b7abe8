import { z } from 'zod';
import { explanationSchema } from '../rest/explanation.ts';
import { operation } from '../rest/operation.ts';

export const requests = {
  get: operation({
    method: 'get',
    path: '/v1/requests/{id}',
    summary: 'Which version served a request, and why: arm, probability, revision, rollout, approvals and evidence',
    role: 'viewer',
    params: { id: z.string().meta({ minLength: 1, maxLength: 128 }) },
    response: explanationSchema,
  }),
};

import { sha256Schema } from '@slipway/core';
import { z } from 'zod';
import { operation } from '../rest/operation.ts';

const params = { sha256: sha256Schema };

export const artifacts = {
  put: operation({
    method: 'put',
    path: '/v1/artifacts/{sha256}',
    summary: 'Store a file by its SHA-256',
    role: 'publisher',
    params,
    body: 'bytes',
    response: z.object({ sha256: z.string(), bytes: z.int() }),
  }),
  get: operation({
    method: 'get',
    path: '/v1/artifacts/{sha256}',
    summary: 'Fetch a file by its SHA-256',
    role: 'viewer',
    params,
    response: 'bytes',
  }),
};

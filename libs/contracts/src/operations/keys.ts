import { z } from 'zod';
import { accessKeySchema } from '../rest/access.ts';
import { idCursor, page, pageQuery } from '../rest/fields.ts';
import { operation } from '../rest/operation.ts';
import { roleSchema } from '../rest/roles.ts';

/** An API key in a list. */
export const keySchema = accessKeySchema.omit({ sha256: true, revision: true });

export const keys = {
  list: operation({
    method: 'get',
    path: '/v1/keys',
    summary: 'List API keys with their roles, newest first; never the keys themselves',
    role: 'admin',
    query: pageQuery(idCursor),
    response: page(keySchema),
  }),
  create: operation({
    method: 'post',
    path: '/v1/keys',
    summary: 'Create an API key; it is shown once only, and not to a repeat with the same Idempotency-Key',
    role: 'admin',
    once: ['key'],
    body: z.strictObject({ name: z.string().min(1).max(63), role: roleSchema }),
    // A repeat with the same Idempotency-Key gets no key.
    response: z.object({ id: z.string(), name: z.string(), role: roleSchema, key: z.string().optional() }),
  }),
  revoke: operation({
    method: 'post',
    path: '/v1/keys/{id}/revoke',
    summary: 'Revoke an API key permanently; repeating it changes nothing',
    role: 'admin',
    params: { id: z.uuid() },
    response: keySchema,
    status: 200,
  }),
};

import { nameSchema } from '@slipway/core';
import { commandSchema, evidenceSchema, rolloutSchema, rolloutSpecSchema, rolloutStatusSchema } from '@slipway/release';
import { idCursor, numberCursor, page, pageQuery, soughtId } from '../rest/fields.ts';
import { operation } from '../rest/operation.ts';

const params = { id: soughtId };

export const rollouts = {
  list: operation({
    method: 'get',
    path: '/v1/rollouts',
    summary: 'List rollouts, newest first',
    role: 'viewer',
    query: pageQuery(idCursor).extend({ endpoint: nameSchema.optional(), status: rolloutStatusSchema.optional() }),
    response: page(rolloutSchema),
  }),
  create: operation({
    method: 'post',
    path: '/v1/rollouts',
    summary: 'Create a rollout; the command "start" starts it',
    role: 'operator',
    body: rolloutSpecSchema,
    response: rolloutSchema,
  }),
  get: operation({
    method: 'get',
    path: '/v1/rollouts/{id}',
    summary: 'One rollout with its whole state',
    role: 'viewer',
    params,
    response: rolloutSchema,
  }),
  command: operation({
    method: 'post',
    path: '/v1/rollouts/{id}/commands',
    summary: 'Give a command: start, promote, pause, resume, abort, withdraw, rollBack or approve',
    role: 'operator',
    roleBy: { field: 'command', roles: { approve: 'approver' } },
    params,
    body: commandSchema,
    response: rolloutSchema,
    status: 200,
  }),
  evidence: operation({
    method: 'get',
    path: '/v1/rollouts/{id}/evidence',
    summary: 'List the evidence that changed a verdict, newest first',
    role: 'viewer',
    params,
    query: pageQuery(numberCursor(18)),
    response: page(evidenceSchema),
  }),
  events: operation({
    method: 'get',
    path: '/v1/rollouts/{id}/events',
    summary: 'Server-sent events: state and evidence as they change',
    role: 'viewer',
    params,
    response: { events: { rollout: rolloutSchema, evidence: evidenceSchema } },
  }),
};

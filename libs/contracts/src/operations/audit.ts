import { z } from 'zod';
import { auditRowSchema, auditVerificationSchema } from '../audit/audit-row.ts';
import { numberCursor, page, pageQuery } from '../rest/fields.ts';
import { operation } from '../rest/operation.ts';

export const audit = {
  list: operation({
    method: 'get',
    path: '/v1/audit',
    summary: 'The audit chain',
    role: 'viewer',
    query: pageQuery(numberCursor(18)).extend({
      aggregate: z.string().optional(),
      from: z.coerce.number().int().optional(),
      to: z.coerce.number().int().optional(),
    }),
    response: page(auditRowSchema),
  }),
  verify: operation({
    method: 'get',
    path: '/v1/audit/verification',
    summary:
      'Recomputes every chain, checks every signature and compares with audit.v1: what was changed, rewritten ' +
      'or is missing',
    role: 'viewer',
    response: auditVerificationSchema,
  }),
};

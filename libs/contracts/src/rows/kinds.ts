import { z } from 'zod';

/** What several rows say alike: types of columns, zod types, and the parts of fields. */

export const LOW = 'LowCardinality(String)';
export const required = z.string().min(1);
export const text = z.string().default('');
export const count = z.int().nonnegative().default(0);

/** The JSON text of a field of the line, as SQL; empty when the line lacks it. */
export const rawOf = (name: string) => `raws[indexOf(keys, '${name}')]`;

/** A field that is kept as the JSON that it is. */
export const asJson = (name: string) => ({ column: 'String', json: null, value: rawOf(name) });

/** The step of a rollout: of what is of none, -1. */
export const stepOf = (rollout: string, step: string) => ({
  column: 'Int16',
  value: `if(fields.${rollout} = '', -1, fields.${step})`,
});

export const EVENT_ID = { column: 'String', comment: 'identity; a repeat is the same row, the first arrival wins' };
export const SOURCE = { column: LOW, comment: "who wrote the row: a service, or a CloudEvent's source" };
export const TRACE_ID = {
  column: 'String',
  comment: 'W3C trace id, 32 hexadecimal digits; empty when there is none',
};

import { nameSchema, versionNumberSchema } from '@slipway/core';
import { z } from 'zod';

/** One page of a list. */
export function page<S extends z.ZodType>(item: S) {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}

const cursor = { error: 'use the next_cursor of the previous page' };
/** Cursors of lists ordered by a number, by a name, or by an id. */
export const numberCursor = (mostDigits: number) => z.string().regex(new RegExp(`^\\d{1,${mostDigits}}$`), cursor);
export const idCursor = z.uuid(cursor);
/** The query of a list. @param of schema of its cursor */
export const pageQuery = <C extends z.ZodType<string>>(of: C) =>
  z.object({ cursor: of.optional(), limit: z.coerce.number().int().min(1).max(1000).default(100) });
/** For lists ordered by name. */
export const listQuerySchema = pageQuery(nameSchema);

/**
 * A path parameter that is looked up: described with its format, but parsed as any text. Text of another format finds
 * nothing (404), like a well-formed name that does not exist.
 */
function soughtAs(schema: z.ZodType) {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io: 'input' });
  return z.string().meta(described);
}
export const soughtName = soughtAs(nameSchema);
export const soughtId = soughtAs(z.uuid());

/** The number of a version in a path. */
export const pathVersionSchema = z
  .string()
  .regex(/^\d{1,7}$/, 'a whole number')
  .transform(Number)
  .pipe(versionNumberSchema);

/** The actor's reason, for the audit; may be empty. */
export const reasonSchema = z.string().max(1000).default('');
export const retireInputSchema = z.strictObject({ reason: reasonSchema }).prefault({});

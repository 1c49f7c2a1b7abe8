import { z } from 'zod';

/** A line is refused when the condition holds: SQL over what `value` reads. */
export type Refusal = { readonly when: string; readonly why: string };

/** Of an enumeration that differs between the values of another field: arms, of which each rollout has its own. */
export type KnownByQuery = {
  /** Known whatever the other field says. */
  readonly always: readonly string[];
  /** The name of the other field. */
  readonly within: string;
  /** SQL that gives pairs of the other field's value and a known one; asked when somebody looks. */
  readonly among: string;
};

/** How a table keeps one field of a row. */
export type Kept = {
  /** The ClickHouse type of its column; null when the table does not keep it. */
  readonly column: string | null;
  /** What it means: the column's comment, and the documentation. */
  readonly comment: string;
  /** Its column's name, where that is another one. */
  readonly as?: string;
  /** ClickHouse type that it has in the line's JSON, where that is not the column's; null: only `value` reads it. */
  readonly json?: string | null;
  /**
   * The column's value, where it is not the field itself: SQL over `fields` (what `json` has read), `row` (the line's
   * JSON), `keys` and `raws` (its fields' names and JSON texts, see `rawOf`). A line is parsed once for all fields:
   * only what is rare should parse `row` again.
   */
  readonly value?: string;
  /** What stands behind the column's comment: CODEC and TTL. */
  readonly storage?: string;
  /**
   * Of an enumeration: the values that are known, their range, or those that a query knows. Others land as they are;
   * the view `unknown_values` counts them.
   */
  readonly known?: readonly string[] | { readonly from: number; readonly to: number } | KnownByQuery;
  /**
   * Verdicts, counts or keys go by it: a line that gives it a value of another type, or a number that its column cannot
   * hold, is refused. Of any other optional field such a value is counted by `unknown_values`, and the line lands.
   */
  readonly decides?: true;
  /** Of a time in milliseconds: a line is refused when it is further from its arrival at Kafka. */
  readonly withinDays?: number;
  /** Beside what follows from the schema. */
  readonly refused?: Refusal;
};

/**
 * One field of a row, said once. Its zod type says what a writer gives: a field with a default may be left out; a line
 * without any other is refused.
 */
export type Field<S extends z.ZodType = z.ZodType> = Kept & { readonly schema: S };

/** A column that is worked out from several fields, or from a part of one. */
export type Derived = { readonly column: string; readonly comment: string; readonly value: string };

/** Whatever is one line on a topic and one row in a table of ClickHouse. */
export type Row<S extends z.ZodType = z.ZodType> = {
  readonly table: string;
  /** One row is … */
  readonly comment: string;
  readonly schema: S;
  readonly fields: readonly (Field & { readonly name: string; readonly required: boolean })[];
  readonly derived: readonly (Derived & { readonly name: string })[];
};

/** What is one event on a topic and no row of any table. */
export type Untabled<S extends z.ZodType = z.ZodType> = {
  readonly schema: S;
  readonly table: null;
  readonly why: string;
};

/** Declares that no table keeps what has this schema, and why. */
export const defineUntabled = <S extends z.ZodType>(schema: S, why: string): Untabled<S> => ({
  ...{ schema, table: null, why },
});

type Table = {
  readonly table: string;
  readonly comment: string;
  readonly derived?: Readonly<Record<string, Derived>>;
};
type Shape<T extends string, F extends Readonly<Record<string, Field>>> = {
  type: z.ZodDefault<z.ZodLiteral<T>>;
} & { -readonly [K in keyof F]: F[K]['schema'] };

/**
 * Declares a row from its fields. From the declaration come its schema and type, the columns of its table, the ingest
 * from Kafka with its refusals, and the documentation (`libs/platform/src/rows`).
 *
 * @param declaration `type` is what a line says of itself
 */
export function defineRow<const T extends string, F extends Readonly<Record<string, Field>>>(
  declaration: Table & { readonly type: T; readonly fields: F },
): Row<z.ZodObject<Shape<T, F>>> {
  const { type, table, comment, derived, fields } = declaration;
  const schemas = Object.fromEntries(Object.entries(fields).map(([name, f]) => [name, f.schema]));
  const schema = z.object({ type: z.literal(type).default(type as never), ...schemas });
  return {
    ...{ table, comment, derived: named(derived ?? {}) },
    schema: schema as unknown as z.ZodObject<Shape<T, F>>,
    fields: named(fields).map((f) => ({ ...f, required: !f.schema.safeParse(undefined).success })),
  };
}

/**
 * Declares the row of what has a schema already, field by field of it.
 *
 * @param declaration `requires` names the fields without which a line is refused: the log of what was said is to be
 *   complete, so it takes also what those whom it was said to did not
 */
export function defineRowOf<S extends z.ZodObject>(
  schema: S,
  declaration: Table & {
    readonly requires: readonly (keyof S['shape'])[];
    readonly fields: { readonly [K in Exclude<keyof S['shape'], 'type'>]: Kept };
  },
): Row<S> {
  const { table, comment, derived, requires } = declaration;
  return {
    ...{ table, comment, schema, derived: named(derived ?? {}) },
    fields: named(declaration.fields as Readonly<Record<string, Kept>>).map((kept) => ({
      ...kept,
      schema: schema.shape[kept.name] as z.ZodType,
      required: requires.includes(kept.name),
    })),
  };
}

const named = <V extends object>(values: Readonly<Record<string, V>>): (V & { name: string })[] =>
  Object.entries(values).map(([name, value]) => ({ ...value, name }));

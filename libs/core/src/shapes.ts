type Intersection<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer All) => void ? All : never;

/**
 * Merges the fields that each kind of a list adds to a schema into one shape. A field belongs to the kind that declares
 * it, and its type follows from the list.
 *
 * @param part the property of the kinds that holds their fields
 * @throws Error when two kinds declare the same field
 */
export function shapeOf<P extends string, K extends Readonly<Record<string, Readonly<Record<P, object>>>>>(
  kinds: K,
  part: P,
): Intersection<K[keyof K][P]> {
  const shape: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(kinds))
    for (const [field, schema] of Object.entries(kind[part])) {
      if (field in shape) throw new Error(`"${name}" declares "${field}", which another kind declares already`);
      shape[field] = schema;
    }
  return shape as Intersection<K[keyof K][P]>;
}

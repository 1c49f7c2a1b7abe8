/**
 * Where a value holds text that Postgres cannot store (NUL, half of a surrogate pair), as `a.0.b`; undefined when
 * nowhere. Walks without recursion, so that no depth of nesting ends it.
 */
export function unstorableText(value: unknown): string | undefined {
  const open: [string, unknown][] = [['', value]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [at, here] = next;
    if (typeof here === 'string') {
      if (UNSTORABLE.test(here)) return at;
    } else if (isPlain(here)) {
      for (const [key, inner] of Object.entries(here)) {
        if (UNSTORABLE.test(key)) return `${at}(a name)`;
        // A path longer than this helps nobody, and would be quadratic in the depth.
        open.push([at.length > 200 ? at : at === '' ? key : `${at}.${key}`, inner]);
      }
    }
  }
  return undefined;
}
const UNSTORABLE = /\0|\p{Surrogate}/u;

/** What JSON and query strings are made of; a stream of bytes is not, and refers to itself. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

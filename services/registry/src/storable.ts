/** Writing and hashing JSON is recursive; no valid request nests deeper than a dozen. */
const MOST_DEPTH = 64;

/**
 * The first part of a value that cannot be stored, as `a.0.b: has …`: text that Postgres does not accept (NUL, half of
 * a surrogate pair), or nesting deeper than 64. Undefined when there is none. Not recursive, so that depth cannot
 * exhaust the stack.
 */
export function unstorable(value: unknown): string | undefined {
  const open: [string, unknown, number][] = [];
  const within = (at: string, key: string | number) => (at === '' ? String(key) : `${at}.${key}`);
  /** Texts are checked where they are found, and only containers are queued, since bodies may be long. */
  const look = (at: string, key: string | number, inner: unknown, depth: number): string | undefined => {
    if (typeof inner === 'string') return isStorable(inner) ? undefined : `${within(at, key)}: ${TEXT}`;
    if (isPlain(inner)) open.push([within(at, key), inner, depth]);
    return undefined;
  };
  const first = look('', '', value, 0);
  if (first !== undefined) return first;
  for (let next = open.pop(); next; next = open.pop()) {
    const [at, here, depth] = next;
    if (depth > MOST_DEPTH) return `${at}: is nested deeper than ${MOST_DEPTH}`;
    const names = Array.isArray(here) ? undefined : Object.keys(here as object);
    const bad = names?.find((name) => !isStorable(name));
    if (bad !== undefined) return `${at}(a name): ${TEXT}`;
    const inner = (here as unknown[]).length;
    for (let i = 0; i < (names?.length ?? inner); i++) {
      const key = names?.[i] ?? i;
      const found = look(at, key, (here as Record<string | number, unknown>)[key], depth + 1);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
const TEXT = 'has a NUL or half of a surrogate pair';
const isStorable = (text: string) => !text.includes('\0') && (text as WellFormed).isWellFormed();
/** Of ES2024, available in Node 20. */
type WellFormed = string & { isWellFormed(): boolean };

/** Values that JSON and query strings can contain; a byte stream is not one, and refers to itself. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

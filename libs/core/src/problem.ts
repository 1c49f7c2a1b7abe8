import { z } from 'zod';

/** The closed list of problem codes: each stable `code` of a problem document with its HTTP status and title. */
export const problems = {
  malformed_json: [400, 'The body is not JSON'],
  invalid_request: [400, 'The request is not valid'],
  invalid_tensor: [400, 'A tensor does not fit the signature'],
  unauthenticated: [401, 'No valid API key'],
  forbidden: [403, 'The key may not do this'],
  not_found: [404, 'Not found'],
  unknown_endpoint: [404, 'No such endpoint'],
  unknown_version: [404, 'No such version'],
  method_not_allowed: [405, 'The method is not allowed on this path'],
  upload_timeout: [408, 'The request did not arrive in time'],
  conflict: [409, 'Not allowed in the current state'],
  version_exists: [409, 'The version exists with another bundle'],
  revision_mismatch: [409, 'The state has changed since it was read'],
  idempotency_mismatch: [422, 'The idempotency key was used for another request'],
  digest_mismatch: [422, 'The bytes do not match the digest'],
  unmet_reference: [422, 'The request does not match the registered definition'],
  not_supported: [422, 'The request is valid but cannot be carried out yet'],
  too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'The media type of the body is not supported'],
  internal: [500, 'Internal error'],
  target_failed: [502, 'The model answered with an error'],
  overloaded: [503, 'Too many requests are waiting'],
  unavailable: [503, 'The service is not ready to answer this request yet'],
  no_target: [503, 'No target can answer'],
  journal_full: [503, 'The journal is full'],
  timeout: [504, 'The model did not answer in time'],
} as const satisfies Record<string, readonly [number, string]>;
export type ProblemCode = keyof typeof problems;

/** RFC 9457 problem document. `error` repeats the detail where clients of a protocol expect that field. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  request_id: z.string().optional(),
  error: z.string().optional(),
});
export type Problem = z.infer<typeof problemSchema>;

export type FieldError = { field: string; message: string };

/** An expected refusal. The HTTP layer turns it into a problem document; `detail` names what is wrong. */
export class ProblemError extends Error {
  override name = 'ProblemError';
  readonly code: ProblemCode;
  readonly errors: FieldError[] | undefined;
  constructor(code: ProblemCode, detail: string, options: { errors?: FieldError[]; cause?: unknown } = {}) {
    super(detail, { cause: options.cause });
    this.code = code;
    this.errors = options.errors;
  }
  get status(): number {
    return problems[this.code][0];
  }
}

/** Longest excerpt of the request that a refusal quotes, in characters. */
const MOST_TEXT = 4000;
const brief = (text: string) => (text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text);

export function problemDocument(error: ProblemError, extra: { requestId?: string } = {}): Problem {
  const [status, title] = problems[error.code];
  const detail = brief(error.message);
  const errors = error.errors?.map(({ field, message }) => ({ field: brief(field), message: brief(message) }));
  return {
    type: `urn:slipway:problem:${error.code}`,
    title,
    status,
    code: error.code,
    detail,
    ...(errors ? { errors } : {}),
    ...(extra.requestId ? { request_id: extra.requestId } : {}),
  };
}

/** At most this many invalid fields are named; the others are counted, so that the response stays readable. */
const MOST_ERRORS = 100;

/**
 * Zod issues as `field: message`, with fields written as `steps.0.canary.weight` and `(body)` for the whole value. At
 * most 100 are listed, followed by the number of the others.
 */
export function fieldErrors(error: z.ZodError): FieldError[] {
  const found: FieldError[] = [];
  let more = 0;
  for (const issue of error.issues as unknown as Issue[]) {
    const room = MOST_ERRORS - found.length;
    const keys = issue.keys?.length ?? 1;
    if (room > 0) found.push(...flatten(issue, [], room).slice(0, room));
    more += Math.max(0, keys - Math.max(0, room));
  }
  if (more > 0) found.push({ field: '(body)', message: `and ${more} more` });
  return found;
}

type Issue = { code: string; path: PropertyKey[]; message: string; keys?: string[]; errors?: Issue[][] };

/**
 * When a union fails, reports the issues of the closest branch: the one that failed deepest, then with the fewest
 * issues.
 */
function flatten(issue: Issue, base: PropertyKey[], most: number): FieldError[] {
  const path = [...base, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors?.length) {
    const kinds = missingKinds(issue.errors);
    if (kinds) return [noneOf(path, kinds), ...unknownToAll(issue.errors).flatMap((i) => flatten(i, path, most))];
    const near = issue.errors
      .map((branch) => branch.slice(0, most).flatMap((i) => flatten(i, path, most)))
      .sort((a, b) => depth(b) - depth(a) || a.length - b.length)[0];
    if (near?.length) return near;
  }
  if (issue.code === 'unrecognized_keys')
    return (issue.keys ?? [])
      .slice(0, most)
      .map((k) => ({ field: [...path, k].map(String).join('.'), message: 'is not a known field' }));
  return [{ field: path.map(String).join('.') || '(body)', message: inWords(issue.message) }];
}

function inWords(message: string): string {
  const absent = /^Invalid input: expected (\w+), received undefined$/.exec(message);
  return absent ? `is missing (${absent[1]})` : message;
}

/**
 * For a union of objects that are told apart by one field each (a step is a `shadow`, a `canary` …): the names of these
 * fields, when the value has none of them. Undefined for any other union or value.
 */
function missingKinds(branches: Issue[][]): string[] | undefined {
  const kinds = branches.map((branch) => branch.find((i) => i.path.length === 1 && inWords(i.message) !== i.message));
  return kinds.length > 1 && kinds.every((i) => i !== undefined) ? kinds.map((i) => String(i.path[0])) : undefined;
}
function noneOf(path: PropertyKey[], kinds: string[]): FieldError {
  const names = [...new Set(kinds)].map((k) => `"${k}"`).join(', ');
  return { field: path.map(String).join('.') || '(body)', message: `must have one of ${names}` };
}
/**
 * The unknown field names, as reported by the first branch. The number of names is bounded only by the size of the
 * body.
 */
function unknownToAll([first = [], ...others]: Issue[][]): Issue[] {
  const unknown = (branch: Issue[]) => branch.filter((i) => i.code === 'unrecognized_keys' && i.path.length === 0);
  const sets = others.map((branch) => new Set(unknown(branch).flatMap((i) => i.keys ?? [])));
  return unknown(first).map((i) => ({ ...i, keys: (i.keys ?? []).filter((k) => sets.every((set) => set.has(k))) }));
}
function depth(errors: FieldError[]): number {
  return Math.max(
    0,
    ...errors
      .filter((e) => e.message !== 'is not a known field')
      .map((e) => (e.field === '(body)' ? 0 : e.field.split('.').length)),
  );
}

/** Parses `value` or throws `invalid_request` naming every field that is wrong. */
export function parseOrProblem<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = fieldErrors(result.error);
  throw new ProblemError('invalid_request', errors.map((e) => `${e.field}: ${e.message}`).join('; '), { errors });
}

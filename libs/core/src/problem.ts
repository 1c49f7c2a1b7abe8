import { z } from 'zod';

/** Every stable `code` of a problem document, with its HTTP status and title. The one closed list. */
export const problems = {
  malformed_json: [400, 'The body is not JSON'],
  invalid_request: [400, 'The request is not valid'],
  invalid_tensor: [400, 'A tensor does not fit the signature'],
  unauthenticated: [401, 'No valid API key'],
  forbidden: [403, 'The key may not do this'],
  not_found: [404, 'There is no such thing'],
  unknown_endpoint: [404, 'There is no such endpoint'],
  unknown_version: [404, 'There is no such version here'],
  method_not_allowed: [405, 'The path does not take this method'],
  upload_timeout: [408, 'The request did not arrive in time'],
  conflict: [409, 'The present state does not allow this'],
  version_exists: [409, 'The version exists with another bundle'],
  revision_mismatch: [409, 'The state has changed meanwhile'],
  idempotency_mismatch: [422, 'The idempotency key was used for another request'],
  digest_mismatch: [422, 'The bytes do not have the digest'],
  unmet_reference: [422, 'The request does not fit what is registered'],
  not_supported: [422, 'This is understood, but not possible yet'],
  too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'The body is of a type that is not taken here'],
  internal: [500, 'An error on our side'],
  target_failed: [502, 'The model answered with an error'],
  overloaded: [503, 'Too many requests are waiting'],
  unavailable: [503, 'Not ready to answer this yet'],
  no_target: [503, 'No target is able to answer'],
  journal_full: [503, 'The journal cannot take another row'],
  timeout: [504, 'The model did not answer in time'],
} as const satisfies Record<string, readonly [number, string]>;
export type ProblemCode = keyof typeof problems;

/** RFC 9457 problem document; `error` is there where a protocol's clients look for it. */
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

/** An expected refusal: becomes a problem document at the edge; `detail` names what is wrong. */
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

/** A refusal may name what was sent, but does not send it back. */
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

/** So many wrong fields are named, and the others counted: an answer is no longer than somebody reads. */
const MOST_ERRORS = 100;

/** Zod's issues as named fields: `steps.0.canary.weight`; `(body)` for the whole. A hundred, and how many more. */
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

/** Of a union that failed, the branch that came nearest (deepest, then fewest complaints) is the one worth naming. */
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
      .map((k) => ({ field: [...path, k].map(String).join('.'), message: 'is not known here' }));
  return [{ field: path.map(String).join('.') || '(body)', message: inWords(issue.message) }];
}

function inWords(message: string): string {
  const absent = /^Invalid input: expected (\w+), received undefined$/.exec(message);
  return absent ? `is missing (${absent[1]})` : message;
}

/**
 * Of a union of objects that each have a field of their own (a step is a `shadow`, a `canary` …) these fields, when the
 * value has none of them; undefined for any other union or value.
 */
function missingKinds(branches: Issue[][]): string[] | undefined {
  const kinds = branches.map((branch) => branch.find((i) => i.path.length === 1 && inWords(i.message) !== i.message));
  return kinds.length > 1 && kinds.every((i) => i !== undefined) ? kinds.map((i) => String(i.path[0])) : undefined;
}
function noneOf(path: PropertyKey[], kinds: string[]): FieldError {
  const names = [...new Set(kinds)].map((k) => `"${k}"`).join(', ');
  return { field: path.map(String).join('.') || '(body)', message: `needs one of ${names}` };
}
/** The names that no branch knows, as the first branch tells them. There may be as many as fit into a body. */
function unknownToAll([first = [], ...others]: Issue[][]): Issue[] {
  const unknown = (branch: Issue[]) => branch.filter((i) => i.code === 'unrecognized_keys' && i.path.length === 0);
  const sets = others.map((branch) => new Set(unknown(branch).flatMap((i) => i.keys ?? [])));
  return unknown(first).map((i) => ({ ...i, keys: (i.keys ?? []).filter((k) => sets.every((set) => set.has(k))) }));
}
function depth(errors: FieldError[]): number {
  return Math.max(
    0,
    ...errors
      .filter((e) => e.message !== 'is not known here')
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

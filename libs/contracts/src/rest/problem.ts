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
  conflict: [409, 'The present state does not allow this'],
  version_exists: [409, 'The version exists with another bundle'],
  revision_mismatch: [409, 'The state has changed meanwhile'],
  idempotency_mismatch: [422, 'The idempotency key was used for another request'],
  digest_mismatch: [422, 'The bytes do not have the digest'],
  unmet_reference: [422, 'The request names something that does not exist'],
  not_supported: [422, 'This is understood, but not possible yet'],
  too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'The body must be JSON'],
  internal: [500, 'An error on our side'],
  target_failed: [502, 'The model answered with an error'],
  overloaded: [503, 'Too many requests are waiting'],
  unavailable: [503, 'Not ready to answer this yet'],
  no_target: [503, 'No target is able to answer'],
  journal_full: [503, 'The journal cannot take another row'],
  timeout: [504, 'The model did not answer in time'],
} as const satisfies Record<string, readonly [number, string]>;
export type ProblemCode = keyof typeof problems;

/** RFC 9457 problem document; `error` is there on OIP paths, whose clients look for it. */
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

export function problemDocument(error: ProblemError, extra: { requestId?: string; oip?: boolean } = {}): Problem {
  const [status, title] = problems[error.code];
  return {
    type: `urn:slipway:problem:${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.message,
    ...(error.errors ? { errors: error.errors } : {}),
    ...(extra.requestId ? { request_id: extra.requestId } : {}),
    ...(extra.oip ? { error: error.message } : {}),
  };
}

/** Zod's issues as named fields: `steps.0.canary.weight`; `(body)` for the whole. */
export function fieldErrors(error: z.ZodError): FieldError[] {
  return error.issues.flatMap((issue) => flatten(issue as unknown as Issue, []));
}

type Issue = { code: string; path: PropertyKey[]; message: string; keys?: string[]; errors?: Issue[][] };

/** Of a union that failed, the branch that came nearest (deepest, then fewest complaints) is the one worth naming. */
function flatten(issue: Issue, base: PropertyKey[]): FieldError[] {
  const path = [...base, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors?.length) {
    const near = issue.errors
      .map((branch) => branch.flatMap((i) => flatten(i, path)))
      .sort((a, b) => depth(b) - depth(a) || a.length - b.length)[0];
    if (near?.length) return near;
  }
  if (issue.code === 'unrecognized_keys')
    return (issue.keys ?? []).map((k) => ({ field: [...path, k].map(String).join('.'), message: 'is not known here' }));
  return [{ field: path.map(String).join('.') || '(body)', message: issue.message }];
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

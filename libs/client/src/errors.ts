import type { Problem, ProblemCode } from '@slipway/core';

/** A refusal: the service answered with a problem document (RFC 9457). */
export class RefusedError extends Error {
  override name = 'RefusedError';
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(`${problem.status} ${problem.code}: ${problem.detail}`);
    this.problem = problem;
  }
  get status(): number {
    return this.problem.status;
  }
  /** One of the closed list of codes; a service that is newer than this client may know more. */
  get code(): ProblemCode {
    return this.problem.code as ProblemCode;
  }
}

/** No answer that says anything: nobody listens, the connection broke, the time ran out, or it is another server. */
export class UnansweredError extends Error {
  override name = 'UnansweredError';
  constructor(what: string, options: { cause?: unknown } = {}) {
    super(what, options);
  }
}

/** Whether work failed with this refusal: the code of a problem, or the status of the answer. */
export function isRefusal(error: unknown, what: ProblemCode | number): error is RefusedError {
  return error instanceof RefusedError && (error.code === what || error.status === what);
}

/** The problem document of an answer; undefined when it is none. */
export function problemOf(text: string): Problem | undefined {
  try {
    const value = JSON.parse(text) as Partial<Problem> | null;
    return typeof value?.code === 'string' && typeof value.status === 'number' ? (value as Problem) : undefined;
  } catch {
    return undefined;
  }
}

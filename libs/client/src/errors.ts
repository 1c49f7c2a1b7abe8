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
  /** A code of the closed list. A newer service may send codes that this client does not know. */
  get code(): ProblemCode {
    return this.problem.code as ProblemCode;
  }
}

/** Thrown when there was no usable response: connection refused or broken, timeout, or not a Slipway service. */
export class UnansweredError extends Error {
  override name = 'UnansweredError';
  constructor(what: string, options: { cause?: unknown } = {}) {
    super(what, options);
  }
}

/** Whether the error is this refusal, given as a problem code or an HTTP status. */
export function isRefusal(error: unknown, what: ProblemCode | number): error is RefusedError {
  return error instanceof RefusedError && (error.code === what || error.status === what);
}

/** The problem document of a response; undefined when there is none. */
export function problemOf(text: string): Problem | undefined {
  try {
    const value = JSON.parse(text) as Partial<Problem> | null;
    return typeof value?.code === 'string' && typeof value.status === 'number' ? (value as Problem) : undefined;
  } catch {
    return undefined;
  }
}

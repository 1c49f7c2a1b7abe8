import { ProblemError } from '@slipway/core';

/**
 * Of an operation without query parameters: what is ignored silently misleads whoever asks. Pure.
 * @throws ProblemError invalid_request naming every parameter that was given
 */
export function refuseQuery(query: object): void {
  const errors = Object.keys(query).map((field) => ({ field, message: 'is no parameter here; none may be given' }));
  if (errors.length > 0)
    throw new ProblemError('invalid_request', errors.map((e) => `${e.field}: ${e.message}`).join('; '), { errors });
}

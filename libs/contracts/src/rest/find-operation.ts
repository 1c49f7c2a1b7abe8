import { type Operation, operations } from './operations.ts';
import { ProblemError } from '@slipway/core';

const placeless = (path: string) => path.replace(/\{\w+\}|:\w+/g, '*');
const byRoute = new Map(operations.map((op) => [`${op.method} ${placeless(op.path)}`, op]));

/**
 * The operation behind a server's route; HEAD is what GET is. @param path with `{name}` or `:name` for what varies
 */
export function findOperation(method: string, path: string): Operation | undefined {
  const asked = method.toLowerCase();
  return byRoute.get(`${asked === 'head' ? 'get' : asked} ${placeless(path)}`);
}

/** @throws ProblemError invalid_request naming every query parameter that the operation does not declare */
export function checkQuery(operation: Operation, query: object): void {
  const known = Object.keys(operation.query?.shape ?? {});
  const errors = Object.keys(query)
    .filter((name) => !known.includes(name))
    .map((field) => ({ field, message: `is no parameter here; ${known.join(', ') || 'none'} may be given` }));
  if (errors.length > 0)
    throw new ProblemError('invalid_request', errors.map((e) => `${e.field}: ${e.message}`).join('; '), { errors });
}

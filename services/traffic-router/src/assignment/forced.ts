import { ProblemError } from '@slipway/core';
import { type Route } from '@slipway/contracts';
import { keyDigest } from '@slipway/platform';

/**
 * A version in the path or in `x-slipway-version` needs an operator's key.
 *
 * @param text what stands there: a number, or a name that ends in one
 * @throws ProblemError forbidden, invalid_request
 */
export function forcedVersion(route: Route, text: string, authorization: string | undefined): number {
  const digest = keyDigest(authorization);
  if (!digest || !route.operator_keys.includes(digest))
    throw new ProblemError('forbidden', "a version can be forced only with an operator's key");
  const version = Number(/(\d+)$/.exec(text)?.[1] ?? Number.NaN);
  if (!Number.isInteger(version))
    throw new ProblemError('invalid_request', `x-slipway-version: "${text}" is no version`);
  return version;
}

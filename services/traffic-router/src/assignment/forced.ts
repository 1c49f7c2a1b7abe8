import { mayActAs } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import type { KeyOwner } from '@slipway/platform';

/**
 * A version in the path or in `x-slipway-version` needs an operator's key.
 *
 * @param text a number, or a name that ends in one
 * @param caller the owner of the caller's key
 * @throws ProblemError forbidden, invalid_request
 */
export function forcedVersion(text: string, caller: KeyOwner | undefined): number {
  if (!caller || !mayActAs(caller.role, 'operator'))
    throw new ProblemError('forbidden', "a version can be forced only with an operator's key");
  const version = Number(/(\d+)$/.exec(text)?.[1] ?? Number.NaN);
  if (!Number.isInteger(version))
    throw new ProblemError('invalid_request', `x-slipway-version: "${text}" is not a version`);
  return version;
}

import { type Bundle } from '@slipway/model';
import { jsonBytes, ProblemError } from '@slipway/core';

/**
 * A version is published in one Kafka record of at most 900 KB, its signature also in the routes, and a list of
 * versions contains a hundred whole bundles.
 */
export const MOST_BUNDLE_BYTES = 150_000;
export const MOST_PROFILE_BYTES = 100_000;

/**
 * Refuses a bundle that is too long to be published and listed.
 * @throws ProblemError too_large naming each part of the bundle with its bytes of JSON, the largest first
 */
export function requireBounded(bundle: Bundle): void {
  const total = jsonBytes(bundle);
  if (total <= MOST_BUNDLE_BYTES) return;
  const parts = Object.entries(bundle).filter(([, part]) => part !== undefined);
  const errors = parts
    .map(([field, part]) => ({ field: `bundle.${field}`, bytes: jsonBytes(part) }))
    .sort((a, b) => b.bytes - a.bytes)
    .map(({ field, bytes }) => ({ field, message: `has ${bytes} bytes of JSON` }));
  throw new ProblemError(
    'too_large',
    `bundle: has ${total} bytes of JSON, most of them in ${errors[0]?.field}; a version may have ` +
      `${MOST_BUNDLE_BYTES}: store longer files as artifacts`,
    { errors },
  );
}

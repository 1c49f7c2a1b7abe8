import { type Bundle } from '@slipway/model';
import { ProblemError } from '@slipway/core';

/**
 * A route names three versions at most, with what workers need to load them, and has to fit into one record of Kafka:
 * what fits into none would never be published. Lists of versions are bounded by this, too.
 */
export const MOST_BUNDLE_BYTES = 150_000;
/** A route has two reference profiles at most. */
export const MOST_PROFILE_BYTES = 100_000;

export const jsonBytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

/**
 * Refuses a version that no route could carry.
 * @throws ProblemError too_large naming each part of the bundle with its bytes of JSON, the largest first
 */
export function requireRoutable(bundle: Bundle): void {
  const total = jsonBytes(bundle);
  if (total <= MOST_BUNDLE_BYTES) return;
  const parts = Object.entries(bundle).filter(([, part]) => part !== undefined);
  const errors = parts
    .map(([field, part]) => ({ field: `bundle.${field}`, bytes: jsonBytes(part) }))
    .sort((a, b) => b.bytes - a.bytes)
    .map(({ field, bytes }) => ({ field, message: `has ${bytes} bytes of JSON` }));
  throw new ProblemError(
    'too_large',
    `bundle: has ${total} bytes of JSON, most of them in ${errors[0]?.field}; routes carry it, and take ` +
      `${MOST_BUNDLE_BYTES}: longer files are artifacts`,
    { errors },
  );
}

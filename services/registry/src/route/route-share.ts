import { ProblemError, type Version } from '@slipway/contracts';

/**
 * A route names three versions at most, with what workers need to load them, and has to fit into one record of Kafka:
 * what fits into none would never be published.
 */
export const MOST_BUNDLE_BYTES = 150_000;
/** A route has two reference profiles at most. */
export const MOST_PROFILE_BYTES = 100_000;

export const jsonBytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

/**
 * Refuses a version that no route could carry.
 * @throws ProblemError too_large naming each part with its bytes of JSON
 */
export function requireRoutable({ artifact, signature, preprocessing, validation }: Version['bundle']): void {
  const parts = Object.entries({ artifact, signature, preprocessing, validation });
  const bytes = parts.map(([field, part]) => ({ field: `bundle.${field}`, bytes: jsonBytes(part) }));
  const total = bytes.reduce((n, p) => n + p.bytes, 0);
  if (total <= MOST_BUNDLE_BYTES) return;
  const names = parts.map(([field]) => field).join(', ');
  throw new ProblemError(
    'too_large',
    `bundle: ${names} together have ${total} bytes of JSON; routes carry them, and take ${MOST_BUNDLE_BYTES}`,
    { errors: bytes.map((p) => ({ field: p.field, message: `has ${p.bytes} bytes of JSON` })) },
  );
}

import { type OutcomeInput } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';

/** The log accepts times of at most 400 days from the arrival; a row may wait a day for Kafka. */
const MOST_MS = 399 * 86_400_000;

/**
 * Refuses outcomes that the log would refuse after they had been accepted.
 * @param now milliseconds since the epoch
 * @throws ProblemError invalid_request naming every outcome whose time is more than 399 days from now
 */
export function requirePlausibleTimes(outcomes: readonly OutcomeInput[], now: number): void {
  const errors = outcomes.flatMap(({ time }, i) =>
    time !== undefined && Math.abs(time - now) > MOST_MS
      ? [{ field: `outcomes.${i}.time`, message: 'is more than 399 days from now; it is in milliseconds' }]
      : [],
  );
  if (errors.length > 0)
    throw new ProblemError('invalid_request', errors.map((e) => `${e.field}: ${e.message}`).join('; '), { errors });
}

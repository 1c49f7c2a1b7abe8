/**
 * A fault that will pass, such as an unavailable store: the caller waits and tries again. Every other error is
 * deterministic: trying again would fail again.
 */
export class TransientError extends Error {
  override name = 'TransientError';
}

const TRANSIENT_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/**
 * SQLSTATE codes and classes of transient Postgres faults: connection exceptions, refused logins (a password is being
 * changed), transaction rollback, insufficient resources, operator intervention, system errors, a read-only server (a
 * standby, or a full disk), an idle transaction timeout, a lock that another session holds.
 */
const TRANSIENT_SQLSTATE = /^((08|28|40|53|57|58)\w{3}|25006|25P03|25P04|55P03)$/;
const TRANSIENT_MESSAGES = [
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'socket hang up',
  'Client has encountered a connection error',
  'Timeout error',
];
const TRANSIENT_MESSAGE = new RegExp(TRANSIENT_MESSAGES.join('|'), 'i');

/** Follows the chain of causes. */
export function isTransient(error: unknown): boolean {
  for (
    let e = error, depth = 0;
    e && depth < 8;
    e = (e as { cause?: unknown }).cause ?? (e as { driverError?: unknown }).driverError, depth++
  ) {
    if (e instanceof TransientError) return true;
    const { code, message, retriable, name } = e as {
      code?: unknown;
      message?: unknown;
      retriable?: unknown;
      name?: unknown;
    };
    if (typeof code === 'string' && (TRANSIENT_CODES.has(code) || TRANSIENT_SQLSTATE.test(code))) return true;
    // Of kafkajs' errors only a broker's refusal of the record itself is deterministic. kafkajs does not mark all
    // transient faults ("Broker not connected", exhausted retries) as retriable.
    if (typeof name === 'string' && /^KafkaJS(?!ProtocolError|NonRetriable)/.test(name)) return true;
    if (name === 'KafkaJSProtocolError' && retriable === true) return true;
    if (typeof name === 'string' && name.startsWith('KafkaJS') && /not connected/i.test(String(message))) return true;
    if (typeof message === 'string' && TRANSIENT_MESSAGE.test(message)) return true;
    if (e instanceof AggregateError && e.errors.some((inner) => isTransient(inner))) return true;
  }
  return false;
}

/** Backoff in milliseconds: from 100 ms, doubling up to 5 s, with the given jitter in [0, 1). */
export function backoffMs(attempt: number, jitter: number): number {
  return Math.min(5000, 100 * 2 ** Math.min(attempt, 10)) * (0.75 + 0.5 * jitter);
}

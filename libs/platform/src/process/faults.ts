/**
 * A fault that will pass (a store is away): whoever meets it waits and tries again, and loses nothing.
 * Everything else is deterministic: trying again would fail again.
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
 * PostgreSQL: connection exceptions, logins that are refused (a password is being changed), transaction rollback,
 * insufficient resources, operator intervention, errors of its machine; and a server that only reads (a standby, or a
 * disk that is full), a transaction that stood still for too long, a lock that somebody holds.
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

/** Walks the chain of causes. */
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
    // Of a client of Kafka's only a broker's word on the record itself is deterministic; kafkajs does not mark its own
    // faults ("Broker not connected", retries that are used up) as retriable.
    if (typeof name === 'string' && /^KafkaJS(?!ProtocolError|NonRetriable)/.test(name)) return true;
    if (name === 'KafkaJSProtocolError' && retriable === true) return true;
    if (typeof name === 'string' && name.startsWith('KafkaJS') && /not connected/i.test(String(message))) return true;
    if (typeof message === 'string' && TRANSIENT_MESSAGE.test(message)) return true;
    if (e instanceof AggregateError && e.errors.some((inner) => isTransient(inner))) return true;
  }
  return false;
}

/** 100 ms, doubling to 5 s, with the given jitter in [0, 1). */
export function backoffMs(attempt: number, jitter: number): number {
  return Math.min(5000, 100 * 2 ** Math.min(attempt, 10)) * (0.75 + 0.5 * jitter);
}

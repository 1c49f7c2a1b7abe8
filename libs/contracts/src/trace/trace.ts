/** W3C Trace Context, `traceparent` version 00. */
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const ZERO_TRACE = '0'.repeat(32);
const ZERO_SPAN = '0'.repeat(16);

export type Trace = { traceId: string; parentId: string; flags: string };

/**
 * @returns undefined for a header that is absent or invalid (an invalid one counts as absent, as the recommendation
 * says)
 */
export function parseTraceparent(header: string | undefined): Trace | undefined {
  const m = TRACEPARENT.exec(header ?? '');
  if (!m || m[1] === ZERO_TRACE || m[2] === ZERO_SPAN) return undefined;
  return { traceId: m[1] as string, parentId: m[2] as string, flags: m[3] as string };
}

/**
 * The `traceparent` for outgoing requests: the caller's trace with a new span id, or a new trace.
 *
 * @param header the caller's
 * @param randomBytes cryptographically random bytes, such as `randomBytes` of `node:crypto`
 */
export function childTraceparent(header: string | undefined, randomBytes: (size: number) => Buffer): string {
  const parent = parseTraceparent(header);
  const bytes = randomBytes(24).toString('hex');
  return `00-${parent?.traceId ?? bytes.slice(0, 32)}-${bytes.slice(32)}-${parent?.flags ?? '01'}`;
}

export function traceIdOf(traceparent: string | undefined): string {
  return parseTraceparent(traceparent)?.traceId ?? '';
}

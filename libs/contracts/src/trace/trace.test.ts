import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { childTraceparent, parseTraceparent, traceIdOf } from './trace.ts';

const GIVEN = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';

describe('traceparent', () => {
  it("keeps the caller's trace and flags, with a new span id", () => {
    const child = parseTraceparent(childTraceparent(GIVEN, randomBytes));
    expect(child).toMatchObject({ traceId: '0af7651916cd43dd8448eb211c80319c', flags: '00' });
    expect(child?.parentId).not.toBe('b7ad6b7169203331');
  });
  it.each([
    undefined,
    '',
    'nonsense',
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`,
    GIVEN.toUpperCase(),
  ])('starts a new trace when given %s', (header) => {
    expect(traceIdOf(header)).toBe('');
    expect(traceIdOf(childTraceparent(header, randomBytes))).toMatch(/^[0-9a-f]{32}$/);
  });
});

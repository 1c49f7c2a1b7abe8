import { z } from 'zod';

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** "250ms", "30s", "5m", "1h", "7d" → milliseconds. */
export const durationSchema = z.string().regex(DURATION, 'a duration such as "30s", "5m" or "1h"');
export const isDuration = (text: string): boolean => DURATION.test(text);
export function durationMs(text: string): number {
  const m = DURATION.exec(text);
  if (!m) throw new RangeError(`not a duration: ${text}`);
  return Number(m[1]) * (UNIT_MS[m[2] as string] as number);
}

/** Shares are kept to nine digits, so that those of one step are the same number wherever they were worked out. */
export const toNineDigits = (share: number): number => Math.round(share * 1e9) / 1e9;

const SHARE = 'must be a share from 0 to 1: "5%" or 0.05';

/** A share: "5%" or a number from 0 to 1. Parsed to a number from 0 to 1. */
export const shareSchema = z
  .union([z.number(), z.string().regex(/^\d+(\.\d+)?%$/, SHARE)])
  .transform((x) => (typeof x === 'number' ? x : Math.round(Number(x.slice(0, -1)) * 1e7) / 1e9))
  .pipe(z.number().min(0, SHARE).max(1, SHARE));

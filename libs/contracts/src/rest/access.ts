import { z } from 'zod';
import { revisionSchema } from '@slipway/core';
import { sha256Schema, timeMsSchema } from '@slipway/core';
import { roleSchema } from './roles.ts';

/** What services other than the registry need to know of an API key: never the key itself. */
export const accessKeySchema = z.object({
  id: z.uuid(),
  name: z.string(),
  role: roleSchema,
  /** SHA-256 of the key, lower-case hex. Keys have enough entropy that this may be published. */
  sha256: sha256Schema,
  created_at: timeMsSchema,
  revoked_at: timeMsSchema.nullable(),
  /** `n` is 1, and 2 once it is revoked, which is permanently: whatever arrives later. */
  revision: revisionSchema,
});
export type AccessKey = z.infer<typeof accessKeySchema>;

/** Least estimated entropy of a key, bits: its digest is published, so it must not be guessable. */
export const LEAST_KEY_BITS = 72;

/**
 * Estimated entropy of a key, bits: Shannon's, from its own characters, and the least of what remains when each
 * character is predicted from the one so many places before it. Of repeats, of a sequence (abcdef, 1a2b3c) and of a
 * single character it makes little; words that are written once it takes for random.
 */
export function keyBits(key: string): number {
  const codes = [...key].map((c) => c.codePointAt(0) as number);
  const plain = shannonBits(codes);
  const bits = [plain];
  for (let lag = 1; lag <= codes.length / 2; lag++) {
    const steps = codes.slice(lag).map((code, i) => code - (codes[i] as number));
    bits.push((lag * plain) / codes.length + shannonBits(steps));
  }
  return Math.min(...bits);
}

function shannonBits(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const v of values) counts.set(v, (counts.get(v) ?? 0) + 1);
  let bits = 0;
  for (const n of counts.values()) bits -= n * Math.log2(n / values.length);
  return bits;
}

/** Why a key is too weak to be admitted; `undefined` when it is not. Pure. */
export function keyWeakness(key: string): string | undefined {
  const secret = key.replace(/^slw_[^_]*_/, '');
  if (secret.length < 24) return `its secret has ${secret.length} characters, at least 24 are needed`;
  if (!/[a-z]/.test(secret) || !/[A-Z0-9]/.test(secret)) return 'its secret has one kind of characters only';
  const bits = Math.floor(keyBits(secret));
  if (bits < LEAST_KEY_BITS)
    return `its secret has about ${bits} bits of entropy, at least ${LEAST_KEY_BITS} are needed`;
  return undefined;
}

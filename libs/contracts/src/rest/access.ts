import { z } from 'zod';
import { revisionSchema } from '@slipway/core';
import { sha256Schema, timeMsSchema } from '@slipway/core';
import { roleSchema } from './roles.ts';

/** What services other than the registry need of an API key; never the key itself. */
export const accessKeySchema = z.object({
  id: z.uuid(),
  name: z.string(),
  role: roleSchema,
  /** SHA-256 of the key, lower-case hex. It may be published because keys have enough entropy. */
  sha256: sha256Schema,
  created_at: timeMsSchema,
  revoked_at: timeMsSchema.nullable(),
  /** `n` is 1, and 2 once the key is revoked, which is permanent. */
  revision: revisionSchema,
});
export type AccessKey = z.infer<typeof accessKeySchema>;

/** Minimum estimated entropy of a key in bits: its digest is published, so it must not be guessable. */
export const LEAST_KEY_BITS = 72;

/**
 * Estimated entropy of a key in bits: the Shannon entropy of its characters, and the smallest of the entropies that
 * remain when each character is predicted from the one a fixed number of places before it. Low for repeats, sequences
 * (abcdef, 1a2b3c) and single characters; words that occur once are taken for random.
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

/** Why a key is too weak to be accepted; `undefined` when it is not. Pure. */
export function keyWeakness(key: string): string | undefined {
  const secret = key.replace(/^slw_[^_]*_/, '');
  if (secret.length < 24) return `its secret has ${secret.length} characters, at least 24 are needed`;
  if (!/[a-z]/.test(secret) || !/[A-Z0-9]/.test(secret)) return 'its secret has only one kind of characters';
  const bits = Math.floor(keyBits(secret));
  if (bits < LEAST_KEY_BITS)
    return `its secret has about ${bits} bits of entropy, at least ${LEAST_KEY_BITS} are needed`;
  return undefined;
}

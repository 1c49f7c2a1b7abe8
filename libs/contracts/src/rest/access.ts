import { z } from 'zod';
import { revisionSchema } from '../bus/revision.ts';
import { sha256Schema, timeMsSchema } from '../names.ts';
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
  /** `n` is 1, and 2 once it is revoked, which is for good: whatever arrives later. */
  revision: revisionSchema,
});
export type AccessKey = z.infer<typeof accessKeySchema>;

/** Least estimated entropy of a key, bits: its digest is published, so it must not be guessable. */
export const LEAST_KEY_BITS = 72;

/**
 * Shannon's estimate from the key's own characters, bits; of repeats and of a single class of characters it makes
 * little.
 */
export function keyBits(key: string): number {
  const counts = new Map<string, number>();
  for (const c of key) counts.set(c, (counts.get(c) ?? 0) + 1);
  let bits = 0;
  for (const n of counts.values()) bits -= n * Math.log2(n / key.length);
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

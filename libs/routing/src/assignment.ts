import { createHash } from 'node:crypto';

/**
 * Where a unit falls in [0, 1) under a salt: the first 53 bits of SHA-256(salt, 0x00, unit), both UTF-8, as a fraction.
 *
 * Sticky (a pure function of its arguments), monotone (a unit below 5 % is below 25 %), and the same in every language:
 * SHA-256 is in every standard library, and a 53-bit fraction is exact in an IEEE double. In ClickHouse:
 * `bitShiftRight(reinterpretAsUInt64(reverse(substring(SHA256(concat(salt, '\0', unit)), 1, 8))), 11) / exp2(53)`. Test
 * vectors: `assignment-vectors.json` beside this file.
 *
 * @param salt the rollout's id, so that it is not always the same units that meet bad candidates
 * @param unit the user, session or request id
 */
export function assignmentPoint(salt: string, unit: string): number {
  const digest = createHash('sha256').update(salt).update('\0').update(unit).digest();
  return (digest.readUInt32BE(0) * 2 ** 21 + (digest.readUInt32BE(4) >>> 11)) / 2 ** 53;
}

/** The candidate is given to the units whose point lies below its weight (a share, 0..1). */
export function assignArm(salt: string, unit: string, candidateWeight: number): 'control' | 'candidate' {
  return assignmentPoint(salt, unit) < candidateWeight ? 'candidate' : 'control';
}

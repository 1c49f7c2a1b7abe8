import { createHash } from 'node:crypto';
import { canonicalJson } from '@slipway/core';
import type { Bundle } from './bundle.ts';

/** SHA-256 over the canonical JSON of the bundle, lower-case hex. */
export function bundleDigest(bundle: Bundle): string {
  return createHash('sha256').update(canonicalJson(bundle)).digest('hex');
}

import type { Adapter } from './adapter-parts.ts';
import { distanceAdapters } from './distance-adapters.ts';
import { experimentAdapters } from './experiment-adapters.ts';
import { otherAdapters } from './other-adapters.ts';
import { streamAdapters } from './stream-adapters.ts';

export type { Adapter };

/** By the name of a vector: the computation that it checks. */
export const adapters: Record<string, Adapter> = {
  ...experimentAdapters,
  ...distanceAdapters,
  ...streamAdapters,
  ...otherAdapters,
};
export { effectFrom } from './shapes.ts';

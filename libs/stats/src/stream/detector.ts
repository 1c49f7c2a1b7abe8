import { sound } from '../errors.ts';
/** State of a stream detector after a value. */
export type StreamState = { drift: boolean; warning: boolean };

/** A detector of change in a stream, fed one value at a time; after a drift it starts again. */
export interface StreamDetector {
  update(x: number): StreamState;
}

/** Indices (0-based) at which a detector signals drift. */
export const driftIndices = sound('driftIndices', (detector: StreamDetector, stream: Iterable<number>): number[] => {
  const found: number[] = [];
  let i = 0;
  for (const x of stream) {
    if (detector.update(x).drift) found.push(i);
    i++;
  }
  return found;
});

import { sound } from '../errors.ts';
/** What a stream detector says after each value. */
export type StreamState = { drift: boolean; warning: boolean };

/** A detector of change in a stream, one value at a time; after a drift it begins again. */
export interface StreamDetector {
  update(x: number): StreamState;
}

/** Indices (0-based) at which a detector says drift. */
export const driftIndices = sound('driftIndices', (detector: StreamDetector, stream: Iterable<number>): number[] => {
  const found: number[] = [];
  let i = 0;
  for (const x of stream) {
    if (detector.update(x).drift) found.push(i);
    i++;
  }
  return found;
});

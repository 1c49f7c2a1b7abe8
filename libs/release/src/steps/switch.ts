import { z } from 'zod';
import { candidateAt, type Complaint, defineStep, type Place, warmForItsShare } from './step.ts';
import { TRAFFIC_ALPHA } from './traffic.ts';

/** The candidate gets everything, except what a following watch holds back. */
export const switchOver = defineStep({
  name: 'switch',
  several: false,
  schema: z.strictObject({}),
  check: (_, place) => notWatched(place.next),
  share: (_, { next }) => {
    const after = next?.share;
    return { allBut: typeof after === 'object' && 'allBut' in after ? after.allBut : 0 };
  },
  dwellMs: () => 0,
  enter: warmForItsShare,
  leave: () => ({ analysers: [], routersFollow: true, sentence: 'Every live router has switched.' }),
  // No analyser has to advance, but its traffic is judged like any other.
  alpha: TRAFFIC_ALPHA,
  sentence: candidateAt,
});

/** Faults of every step from `place` on that is not a watch. */
function notWatched(place: Place | undefined): Complaint[] {
  if (!place) return [];
  const rest = notWatched(place.next);
  return place.kind === 'watch' ? rest : [{ at: place.index, message: 'only "watch" may follow "switch"' }, ...rest];
}

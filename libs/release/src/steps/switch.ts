import { z } from 'zod';
import { candidateAt, type Complaint, defineStep, type Place, warmForItsShare } from './step.ts';
import { TRAFFIC_ALPHA } from './traffic.ts';

/** The candidate gets everything, less what a watch behind it holds back. */
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
  // Nobody is waited for, but its traffic is judged like any other.
  alpha: TRAFFIC_ALPHA,
  sentence: candidateAt,
});

/** Complaints about every step from `place` on that does not watch. */
function notWatched(place: Place | undefined): Complaint[] {
  if (!place) return [];
  const rest = notWatched(place.next);
  return place.kind === 'watch' ? rest : [{ at: place.index, message: 'only "watch" may follow "switch"' }, ...rest];
}

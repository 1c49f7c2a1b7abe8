import { z } from 'zod';
import { durationMs, durationSchema, shareSchema } from '@slipway/core';
import { candidateAt, type Complaint, defineStep, warmForItsShare } from './step.ts';
import { onTraffic, TRAFFIC_ALPHA } from './traffic.ts';

/** After the switch: the previous version stays warm, and may keep some units for comparison. */
export const watch = defineStep({
  name: 'watch',
  several: false,
  schema: z.strictObject({ for: durationSchema, holdBack: shareSchema.pipe(z.number().max(0.5)).default(0) }),
  check: ({ holdBack }, { previous, partBefore }) => {
    const complaints: Complaint[] = [];
    if (previous?.kind !== 'switch')
      complaints.push({ message: '"watch" must follow "switch" directly, and only once' });
    if (partBefore > 1 - holdBack)
      complaints.push({
        field: 'holdBack',
        message: 'units that an earlier canary step gave to the candidate cannot be held back',
      });
    return complaints;
  },
  share: ({ holdBack }) => ({ allBut: holdBack }),
  dwellMs: (policy) => durationMs(policy.for),
  enter: warmForItsShare,
  leave: onTraffic,
  alpha: TRAFFIC_ALPHA,
  sentence: candidateAt,
});

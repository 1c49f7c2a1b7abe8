import { assignmentPoint } from './assignment.ts';
import type { ShadowSampling } from '@slipway/contracts';

type Draw = { sampled: boolean; noise: boolean };

/**
 * Whether a request is sampled for the shadow, and whether also for the noise leg. Depends only on the request id, not
 * on the load, so that the shadow sees a fair sample of the traffic. Pure.
 */
export function drawShadow(shadow: ShadowSampling | null, requestId: string): Draw {
  if (!shadow || assignmentPoint(shadow.salt, requestId) >= shadow.sample) return { sampled: false, noise: false };
  return { sampled: true, noise: assignmentPoint(`${shadow.salt}/noise`, requestId) < shadow.noise };
}

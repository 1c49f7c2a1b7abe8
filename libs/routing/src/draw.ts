import { assignmentPoint } from './assignment.ts';
import type { ShadowSampling } from '@slipway/contracts';

type Draw = { sampled: boolean; noise: boolean };

/**
 * Whether a request is sampled for the shadow, and whether for the noise leg too. A function of its id alone: drawn
 * before anything is known of the load, so that what the shadow sees is a fair sample of the traffic. Pure.
 */
export function drawShadow(shadow: ShadowSampling | null, requestId: string): Draw {
  if (!shadow || assignmentPoint(shadow.salt, requestId) >= shadow.sample) return { sampled: false, noise: false };
  return { sampled: true, noise: assignmentPoint(`${shadow.salt}/noise`, requestId) < shadow.noise };
}

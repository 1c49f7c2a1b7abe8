import { stepKinds } from './steps/kinds.ts';
import type { Alpha } from './steps/step.ts';
import { allSteps, type Steps } from './steps/step-at.ts';

/**
 * What one analyser may use, in the rollout's present step, of its α: the largest probability of rolling back a
 * harmless candidate over the whole rollout. Kinds of steps declare their part ({@link Alpha}); an analyser that none
 * of them names never rolls back.
 */
export function alphaShare(rollout: { alpha: number; spec: Steps; step: number }, analyser: string): number {
  const kinds: string[] = allSteps(rollout.spec).map((step) => step.kind);
  let left = 5;
  let own = 0;
  let takesRest = false;
  for (const { name, alpha } of stepKinds as readonly { name: string; alpha: Alpha | null }[]) {
    const steps = kinds.filter((kind) => kind === name).length;
    if (alpha && 'rest' in alpha) takesRest ||= alpha.analyser === analyser;
    else if (alpha && steps > 0) {
      left -= alpha.fifths;
      if (alpha.analyser === analyser && kinds[rollout.step] === name) own = (rollout.alpha * alpha.fifths) / 5 / steps;
    }
  }
  return takesRest ? (left === 5 ? rollout.alpha : (rollout.alpha * left) / 5) : own;
}

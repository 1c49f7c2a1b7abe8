import { type Proof, proveRatio } from '../sequential/proof.ts';
import type { EventGuardrail } from './input.ts';

/** A goal has to be better than the control, a guardrail no worse than its margin. */
export function proofOf(g: EventGuardrail, alpha: number): Proof {
  return proveRatio(
    g.step.control,
    g.step.candidate,
    g.role === 'goal' ? 1 : g.margin,
    g.direction === 'lower' ? 'below' : 'above',
    alpha,
  );
}

import type { Answer } from '@slipway/platform';
import { answerOf, TargetFault, type Tried } from '@slipway/routing';

/** Why there is no answer to a shadow request. */
export type LegFailure = 'error' | 'timeout' | 'no_target' | 'busy';

const faultOf = ({ said }: Tried<Answer>) => (said instanceof TargetFault ? said.code : undefined);
const broken = (tried: readonly Tried<Answer>[]) => tried.filter((t) => faultOf(t) === 'broken').length;

/**
 * Whether a version that gave no answer is asked once more: a broken connection may be a server that was restarted.
 * Only when it breaks a second time, there or at the next address, does it count as the version's behaviour.
 */
export function isWorthAnother(tried: readonly Tried<Answer>[]): boolean {
  const lost = new Set<string | undefined>(['connect', 'broken', 'dropped']);
  return tried.length > 0 && tried.every((t) => lost.has(faultOf(t))) && broken(tried) < 2;
}

/** Why the attempts gave no answer; undefined when the last one is an answer of a model. Pure. */
export function failureOf(tried: readonly Tried<Answer>[]): LegFailure | undefined {
  const answer = answerOf(tried);
  if (answer) return answer.said.status < 300 ? undefined : 'error';
  const met = new Set(tried.map((t) => faultOf(t) ?? (t.said as Answer).verdict));
  if (met.has('failed') || met.has('garbage') || met.has('too_long')) return 'error';
  if (met.has('timeout')) return 'timeout';
  if (met.has('busy') || met.has('overloaded')) return 'busy';
  return broken(tried) > 1 ? 'error' : 'no_target';
}

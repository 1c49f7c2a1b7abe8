import { type Evidence } from './evidence.ts';
import { requiredAnalysers, stepDwellMs, stepKind, stepWeight } from './spec.ts';
import { type Rollout } from './rollout.ts';
import { type Capacity, enoughWarm, neededWarm } from './capacity.ts';
import { lastProvenWeight } from './transitions.ts';

/**
 * Evidence with the instant at which this registry received it: expiry is counted from there, so clocks of services do
 * not matter.
 */
export type ReceivedEvidence = { evidence: Evidence; receivedAt: number };

export type World = {
  /** Who has the candidate warm, beside those who answer for control. */
  capacity: Capacity;
  /** Why a worker could not load the candidate. */
  candidateFailure: string | undefined;
  /** Every live router has applied the route that is in force. */
  routersFollow: boolean;
};

export type Policy = { silenceMs: number; prepareMs: number };

export type Decision =
  | { kind: 'none'; why: string }
  | { kind: 'activate' }
  | { kind: 'advance'; sentence: string; evidence: Evidence | null }
  | { kind: 'rollBack'; sentence: string; evidence: Evidence | null }
  | { kind: 'pause'; sentence: string; evidence: Evidence | null };

const none = (why: string): Decision => ({ kind: 'none', why });

/**
 * What happens next to a rollout that is under way. Pure.
 *
 * Any valid `rollBack` wins, whatever step it speaks of, in a paused rollout too. `advance` needs every analyser that
 * the step requires to say so for the present revision and step: a hold never advances, whatever its reason, nor does
 * evidence that is missing or has expired. An analyser that is silent past its expiry means hold, and after `silenceMs`
 * a pause. A hold because of `out_of_service` pauses at once. Every pause is at the last proven weight.
 */
export function decide(
  rollout: Rollout,
  received: readonly ReceivedEvidence[],
  now: number,
  world: World,
  policy: Policy,
): Decision {
  const visit = rollout.visits.at(-1);
  const step = rollout.spec.steps[rollout.step];
  if ((rollout.status !== 'running' && rollout.status !== 'paused') || !visit || !step)
    return none(`it is ${rollout.status}`);

  const valid = received.filter((r) => now < r.receivedAt + (r.evidence.expires_at - r.evidence.time));
  const against = valid.find((r) => r.evidence.verdict === 'rollBack');
  if (against) return failed(rollout, against.evidence.sentence, against.evidence);
  if (rollout.status === 'paused') return none('it is paused');
  const present = valid.filter(
    ({ evidence: e }) =>
      e.step === rollout.step && e.revision.epoch === rollout.revision.epoch && e.revision.n === rollout.revision.n,
  );
  const gone = present.find(
    ({ evidence: e }) => e.verdict === 'hold' && e.reasons.includes('out_of_service'),
  )?.evidence;
  if (gone) return { kind: 'pause', sentence: `out_of_service: ${gone.sentence}`, evidence: gone };

  if (visit.phase === 'preparing') {
    const weight = stepWeight(rollout.spec.steps, rollout.step);
    if (enoughWarm(weight, world.capacity)) return { kind: 'activate' };
    if (world.candidateFailure && world.capacity.able === 0)
      return failed(rollout, `The candidate cannot be loaded: ${world.candidateFailure}`, null);
    if (now - visit.entered_at > policy.prepareMs)
      return {
        kind: 'pause',
        sentence: `${count(world, weight)} within ${policy.prepareMs / 1000} s.`,
        evidence: null,
      };
    return none(count(world, weight));
  }

  if (stepKind(step) === 'switch') {
    if (!world.routersFollow) return none('waiting for the routers to apply the route');
    return { kind: 'advance', sentence: 'Every live router has switched.', evidence: null };
  }

  const dwellOver = now - (visit.active_at ?? now) >= stepDwellMs(step);
  if (stepKind(step) === 'dark') {
    if (!world.routersFollow) return none('waiting for the routers to apply the route');
    if (!dwellOver) return none('the dwell is not over');
    return { kind: 'advance', sentence: 'The candidate is loaded, warm and reachable by header.', evidence: null };
  }

  const required = requiredAnalysers(rollout.spec, rollout.step);
  for (const analyser of required) {
    const last = received.find((r) => r.evidence.analyser === analyser);
    if (last && valid.includes(last)) continue;
    const began = Math.max(visit.active_at ?? visit.entered_at, visit.resumed_at ?? 0);
    const silentSince = Math.max(last?.receivedAt ?? 0, began);
    if (now - silentSince > policy.silenceMs)
      return {
        kind: 'pause',
        sentence: `${analyser} has said nothing for ${Math.round((now - silentSince) / 1000)} s.`,
        evidence: null,
      };
    return none(`${analyser} is silent`);
  }
  if (!dwellOver) return none('the dwell is not over');
  const speaking = required.map((a) => present.find((r) => r.evidence.analyser === a)?.evidence);
  if (required.length > 0 && speaking.every((e) => e?.verdict === 'advance')) {
    // What follows the last step is all of the traffic.
    if (rollout.step + 1 === rollout.spec.steps.length && !enoughWarm(1, world.capacity)) return none(count(world, 1));
    return {
      kind: 'advance',
      sentence: speaking.map((e) => e?.sentence ?? '').join(' '),
      evidence: speaking[0] ?? null,
    };
  }
  return none('not every analyser advances');
}

function count({ capacity }: World, weight: number): string {
  const needed = neededWarm(weight, capacity);
  return `${capacity.candidateWarm} of the ${needed} workers that its traffic needs have had the candidate warm`;
}

function failed(rollout: Rollout, sentence: string, evidence: Evidence | null): Decision {
  if (rollout.spec.onFailure === 'rollBack') return { kind: 'rollBack', sentence, evidence };
  // A person may have paused it at a weight that is not proven.
  if (rollout.status === 'paused' && rollout.weight <= lastProvenWeight(rollout))
    return none('it failed and is paused at the last proven weight, as its policy asks');
  return { kind: 'pause', sentence, evidence };
}

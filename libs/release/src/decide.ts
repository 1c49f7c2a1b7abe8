import { type Evidence } from './evidence.ts';
import { type Rollout, type StepVisit } from './rollout.ts';
import { type CandidateWorld, type ColdCandidate, coldCandidates, countWarm } from './warm.ts';
import { expiresAt, isFresh, isPresent, type ReceivedEvidence } from './precedence.ts';
import type { Leave } from './steps/step.ts';
import { stepAt } from './steps/step-at.ts';
import { lastProvenWeight } from './transitions.ts';
import { nameOfArm, remainingCandidates } from './arms.ts';

export type World = {
  /** Of each candidate that remains, by its arm. */
  candidates: Readonly<Record<string, CandidateWorld>>;
  /** Whether every live router has applied the route in force. */
  routersFollow: boolean;
};

export type Policy = {
  silenceMs: number;
  prepareMs: number;
  /**
   * Time from which evidence would have been heard: no analyser counts as silent before it. Always heard, if absent.
   */
  listeningSince?: number;
};

export type Decision =
  | {
      kind: 'none';
      why: string;
      /**
       * The time at which another decision is possible without other events, by the clock of `now`; Infinity when
       * never.
       */
      again: number;
      /** Whether a change of the world alone may lead to another decision. */
      onWorld: boolean;
    }
  /** Nothing changes, and the rollout reports what it waits for. */
  | { kind: 'hold'; sentence: string }
  | { kind: 'activate' }
  | { kind: 'advance'; sentence: string; evidence: Evidence | null; winner?: string | undefined }
  | { kind: 'withdraw'; arm: string; sentence: string; evidence: Evidence }
  | { kind: 'rollBack'; sentence: string; evidence: Evidence | null }
  | { kind: 'pause'; sentence: string; evidence: Evidence | null };

const none = (why: string, again = Number.POSITIVE_INFINITY, onWorld = false): Decision => ({
  kind: 'none',
  why,
  again,
  onWorld,
});

/**
 * Decides what happens next to a rollout that is under way. Pure.
 *
 * A `rollBack` that has not expired always wins, whatever step it is about, also in a paused rollout. The kind of the
 * step declares what it needs to begin (`enter`) and to end (`leave`). `advance` requires every analyser that it names
 * to say so for the present revision and step; a hold, or missing or expired evidence, never advances. An analyser that
 * is silent past its expiry means hold and, after `silenceMs`, a pause. A hold because
 * of `out_of_service` pauses at once, and so does one because several arms of an experiment are better: a person says
 * which of them is promoted. Every pause is at the last proven weight.
 *
 * Of several candidates, one of which any fresh evidence says `rollBack` is withdrawn alone, as long as another
 * remains.
 *
 * As long as no evidence comes, no command is given and the world stays as it is, nothing else follows before the
 * instant that `none` names: nobody has to ask again until then.
 */
export function decide(
  rollout: Rollout,
  received: readonly ReceivedEvidence[],
  now: number,
  world: World,
  policy: Policy,
): Decision {
  const visit = rollout.visits.at(-1);
  const step = stepAt(rollout.spec, rollout.step);
  if ((rollout.status !== 'running' && rollout.status !== 'paused') || !visit || !step)
    return none(`it is ${rollout.status}`);

  const fresh = received.filter((r) => isFresh(r, now));
  const against = fresh.find((r) => r.evidence.verdict === 'rollBack');
  if (against) return failed(rollout, against.evidence.sentence, against.evidence);
  const harmful = harmfulArm(rollout, fresh);
  if (harmful) return harmful;
  if (rollout.status === 'paused') return none('it is paused');
  const present = fresh.filter((r) => isPresent(r, rollout)).map((r) => r.evidence);
  for (const reason of PAUSING) {
    const said = present.find((e) => e.verdict === 'hold' && e.reasons.includes(reason));
    if (said) return { kind: 'pause', sentence: `${reason}: ${said.sentence}`, evidence: said };
  }

  if (visit.phase === 'preparing') {
    const cold = coldCandidates(rollout, step.enter.warmFor, world.candidates);
    if (cold.length === 0) return { kind: 'activate' };
    const lost = cold.find(({ state }) => state?.failure && state.capacity.able === 0);
    if (lost)
      return failed(rollout, `${capitalised(nameOfArm(lost.arm))} cannot be loaded: ${lost.state?.failure}`, null);
    if (now - visit.entered_at > policy.prepareMs) return notReady(cold, policy);
    return none(countWarm(cold), visit.entered_at + policy.prepareMs + 1, true);
  }

  const waits = waitsFor(step, visit, received, now, world, policy);
  if (waits) return waits;
  const speaking = step.leave.analysers.map((analyser) => present.find((e) => e.analyser === analyser));
  const silence = soonestSilence(step.leave, visit, received, now, policy);
  if (!speaking.every((e) => e?.verdict === 'advance')) return none('not every analyser advances', silence);
  const sentence = [step.leave.sentence, ...speaking.map((e) => e?.sentence)].filter((s) => s !== undefined).join(' ');
  const evidence = speaking[0] ?? null;
  if (step.next) return { kind: 'advance', sentence, evidence };
  // After the last step the winning candidate gets all of the traffic.
  const winner = winnerAmong(rollout, speaking);
  if (winner === undefined) return none('no analyser has found which of the candidates is better', silence);
  const cold = coldCandidates(rollout, 1, world.candidates).filter((c) => c.arm === winner);
  if (cold.length > 0) {
    const since = visit.held_at ?? 0;
    if (since < Math.max(activeAt(visit, now), visit.resumed_at ?? 0))
      return { kind: 'hold', sentence: `candidate_not_ready: ${countWarm(cold)}.` };
    if (now - since > policy.prepareMs) return notReady(cold, policy);
    return none(countWarm(cold), Math.min(since + policy.prepareMs + 1, silence), true);
  }
  return { kind: 'advance', sentence, evidence, winner };
}

/** Reasons of a hold that pause a rollout at once. */
const PAUSING = ['out_of_service', 'several_arms_better'];

/** The first candidate to withdraw alone, or the rollout's end, or its pause if the policy says so. */
function harmfulArm(rollout: Rollout, fresh: readonly ReceivedEvidence[]): Decision | undefined {
  const remaining = remainingCandidates(rollout).map((c) => c.name);
  for (const { evidence } of fresh)
    for (const said of evidence.arms)
      if (said.verdict === 'rollBack' && remaining.includes(said.arm)) {
        if (rollout.spec.onFailure === 'pause' || remaining.length === 1)
          return failed(rollout, said.sentence, evidence);
        return { kind: 'withdraw', arm: said.arm, sentence: said.sentence, evidence };
      }
  return undefined;
}

/** The only remaining candidate, or the only one for which every analyser with verdicts by arm says `advance`. */
function winnerAmong(rollout: Rollout, speaking: readonly (Evidence | undefined)[]): string | undefined {
  const remaining = remainingCandidates(rollout).map((c) => c.name);
  const said = speaking.flatMap((e) => (e && e.arms.length > 0 ? [e.arms] : []));
  const won = remaining.filter((name) =>
    said.every((arms) => arms.some((a) => a.arm === name && a.verdict === 'advance')),
  );
  return won.length === 1 ? won[0] : undefined;
}

const capitalised = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/** Why an active step cannot end yet, whatever the analysers say; a pause when an analyser has been silent for long. */
export function waitsFor(
  { leave, dwellMs }: { leave: Leave; dwellMs: number },
  visit: StepVisit,
  received: readonly ReceivedEvidence[],
  now: number,
  world: Pick<World, 'routersFollow'>,
  policy: Pick<Policy, 'silenceMs' | 'listeningSince'>,
): Decision | undefined {
  const active = activeAt(visit, now);
  const silence = soonestSilence(leave, visit, received, now, policy);
  for (const analyser of leave.analysers) {
    const last = received.find((r) => r.evidence.analyser === analyser);
    if (last && isFresh(last, now)) continue;
    const silentMs = now - heardAt(last, visit, now, policy);
    if (silentMs <= policy.silenceMs) return none(`${analyser} is silent`, silence);
    const sentence = `${analyser} has published no evidence for ${Math.round(silentMs / 1000)} s.`;
    return { kind: 'pause', sentence, evidence: null };
  }
  if (leave.routersFollow && !world.routersFollow)
    return none('waiting for the routers to apply the route', silence, true);
  const over = active + dwellMs;
  if (now < over) return none('the dwell is not over', Math.min(over, silence));
  const time = leave.time?.(active);
  if (time !== undefined && now < time) return none('its time has not come', Math.min(time, silence));
  const missing = (leave.approvals ?? 0) - new Set(visit.approvals?.map((a) => a.by)).size;
  if (missing > 0) return none(`approvals that are missing: ${missing}`, silence);
  return undefined;
}

const activeAt = (visit: StepVisit, now: number): number => visit.active_at ?? now;

/** When the analyser was last heard of; the time before the step was active or resumed does not count as silence. */
const heardAt = (
  last: ReceivedEvidence | undefined,
  visit: StepVisit,
  now: number,
  { listeningSince = 0 }: Pick<Policy, 'listeningSince'>,
): number => Math.max(last?.receivedAt ?? 0, activeAt(visit, now), visit.resumed_at ?? 0, listeningSince);

/** When one of the analysers will have been silent for too long, if none publishes anything more. */
function soonestSilence(
  { analysers }: Pick<Leave, 'analysers'>,
  visit: StepVisit,
  received: readonly ReceivedEvidence[],
  now: number,
  policy: Pick<Policy, 'silenceMs' | 'listeningSince'>,
): number {
  return Math.min(
    ...analysers.map((analyser) => {
      const last = received.find((r) => r.evidence.analyser === analyser);
      return Math.max(heardAt(last, visit, now, policy) + policy.silenceMs + 1, last ? expiresAt(last) : 0);
    }),
  );
}

function notReady(cold: readonly ColdCandidate[], { prepareMs }: Pick<Policy, 'prepareMs'>): Decision {
  const sentence = `candidate_not_ready: ${countWarm(cold)} within ${prepareMs / 1000} s.`;
  return { kind: 'pause', sentence, evidence: null };
}

function failed(rollout: Rollout, sentence: string, evidence: Evidence | null): Decision {
  if (rollout.spec.onFailure === 'rollBack') return { kind: 'rollBack', sentence, evidence };
  // A person may have paused it at a weight that is not proven.
  if (rollout.status === 'paused' && rollout.weight <= lastProvenWeight(rollout))
    return none('it failed and is paused at the last proven weight, as its policy says');
  return { kind: 'pause', sentence, evidence };
}

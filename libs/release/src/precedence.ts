import { compareRevisions } from '@slipway/core';
import type { Evidence } from './evidence.ts';
import type { Rollout } from './rollout.ts';

/**
 * Which evidence is valid, and which replaces which; defined only here. The registry keeps one piece of evidence for
 * each analyser (`isReplacedBy`), and `decide` asks which are still valid, and for what.
 */

/**
 * Evidence with its arrival at Kafka, in milliseconds by the registry's clock. Expiry is counted from there, so that
 * the clocks of analysers do not matter.
 */
export type ReceivedEvidence = { evidence: Evidence; receivedAt: number };

/** How long it is valid from its arrival, in milliseconds. */
export const validityMs = ({ expires_at, time }: Evidence): number => expires_at - time;

/** When it expires. */
export const expiresAt = ({ evidence, receivedAt }: ReceivedEvidence): number => receivedAt + validityMs(evidence);

/** Whether it has not expired. */
export function isFresh(received: ReceivedEvidence, now: number): boolean {
  return now < expiresAt(received);
}

/** Whether it is about the rollout's present revision and step; no other evidence can end the step. */
export function isPresent({ evidence }: ReceivedEvidence, { step, revision }: Pick<Rollout, 'step' | 'revision'>) {
  return evidence.step === step && compareRevisions(evidence.revision, revision) === 0;
}

/**
 * Whether what an analyser says takes the place of what it has said last. Not what is a repeat, or older than what the
 * same process said; and nothing milder takes the place of a `rollBack` that has not expired, of the rollout or of one
 * of its arms: the guarantee behind that is about ever crossing the threshold.
 *
 * @param last what is kept of the same analyser on the same rollout, if anything
 */
export function isReplacedBy(last: ReceivedEvidence | undefined, next: ReceivedEvidence): boolean {
  if (!last) return true;
  const [before, after] = [last.evidence, next.evidence];
  if (before.event_id === after.event_id) return false;
  if (before.source === after.source && before.sequence >= after.sequence) return false;
  return !isMilder(after, before) || !isFresh(last, next.receivedAt);
}

/**
 * Whether it does not roll back the rollout, or an arm of it, while the other one does. An arm of which a later
 * revision says nothing has been withdrawn: what was said of it holds back nothing that is said of the others.
 */
function isMilder(after: Evidence, before: Evidence): boolean {
  if (before.verdict === 'rollBack') return after.verdict !== 'rollBack';
  const isLater = compareRevisions(after.revision, before.revision) > 0;
  const isWithdrawn = (arm: string) => isLater && !after.arms.some((a) => a.arm === arm);
  return (
    after.verdict !== 'rollBack' &&
    harmfulArms(before).some((arm) => !isWithdrawn(arm) && !harmfulArms(after).includes(arm))
  );
}

/** The arms that it rolls back. */
export function harmfulArms({ arms }: Evidence): string[] {
  return arms.filter((a) => a.verdict === 'rollBack').map((a) => a.arm);
}

/** Whether an analyser's evidence differs from its latest: another step, verdict (of an arm, too) or reason. */
export function isChangeOfMind(last: Evidence | undefined, next: Evidence): boolean {
  const mind = ({ step, verdict, reasons, arms }: Evidence) =>
    `${step} ${verdict} ${reasons.join()} ${arms.map((a) => `${a.arm} ${a.verdict}`).join()}`;
  return last === undefined || mind(last) !== mind(next);
}

/**
 * Whether it could change a decision compared with the evidence kept before: a changed verdict, another revision of the
 * rollout, another validity, or the first evidence after a silence. Anything else only shows that the analyser is alive
 * with the same verdict.
 */
export function isNews(last: ReceivedEvidence | undefined, next: ReceivedEvidence): boolean {
  return (
    last === undefined ||
    isChangeOfMind(last.evidence, next.evidence) ||
    compareRevisions(last.evidence.revision, next.evidence.revision) !== 0 ||
    validityMs(last.evidence) !== validityMs(next.evidence) ||
    !isFresh(last, next.receivedAt)
  );
}

import { createHash } from 'node:crypto';
import { formatVersion, parseVersion } from '@slipway/core';
import type { Retraining } from '@slipway/contracts';
import type { Rollout } from '@slipway/release';
import { type DriftJudgement, type LossJudgement, percent } from '@slipway/stats';

/** The result for one endpoint after a look. */
export type EndpointDrift = {
  endpoint: string;
  version: string;
  /** Time of the look, in milliseconds since the epoch. */
  looked_at: number;
  /** `no_profile`: the version has no reference profile. */
  state: DriftJudgement['state'] | 'no_profile';
  note: string;
  inputs: DriftJudgement | null;
  outputs: DriftJudgement | null;
  /** The rollout whose arms were compared; empty when none was under way. */
  rollout_id: string;
  /** The answers of each candidate against the concurrent control's, by the candidate's arm. */
  arms: Record<string, DriftJudgement>;
  /** No data have arrived for several looks in a row. */
  lasting: boolean;
  losses: (LossJudgement & { outcome: string; output: string })[];
  /** Start of the oldest window in the look. */
  since: number;
};

/** The inputs as a whole have moved when a single feature has moved this far, or half of all features have moved. */
const FAR = 0.25;

/** Whether the inputs have moved as a whole. */
export function dataMoved(inputs: DriftJudgement | null): boolean {
  if (inputs?.state !== 'moved') return false;
  const features = inputs.features.filter((f) => inputs.moved.includes(f.feature));
  return features.length >= inputs.features.length / 2 || features.some((f) => (f.psi ?? 0) >= FAR);
}

/** The features that have moved, each with its PSI where the newest window has enough rows for one. */
function named(judged: DriftJudgement | null): string {
  return (judged?.moved ?? [])
    .map((name) => {
      const psi = judged?.features.find((f) => f.feature === name)?.psi ?? null;
      return `${name} (${psi === null ? 'too few rows in the newest window for a PSI' : `PSI ${psi.toFixed(2)}`})`;
    })
    .join(', ');
}

/** What could not be compared, one part of a sentence each; empty when everything was compared. */
function unseen(judged: DriftJudgement | null, what: string, nothing: string): string[] {
  if (!judged || judged.features.length === 0) return [`${what} ${nothing}`];
  if (judged.state === 'insufficient_data')
    return [
      `not enough requests yet to compare ${what}: ${judged.windows} of the ${judged.windows_needed} windows that a ` +
        `comparison needs have at least ${judged.needed} rows (the newest has ${judged.rows})`,
    ];
  const blind = judged.features.filter((f) => f.psi === null).map((f) => f.feature);
  return blind.length > 0 ? [`too few rows in the newest window to compare ${blind.join(', ')} in ${what}`] : [];
}

/** Why the last look cannot be used for this rollout now; undefined when it can. */
function beside(drift: EndpointDrift, rollout: Rollout, { now, freshMs }: { now: number; freshMs: number }) {
  const control = formatVersion(rollout.control);
  if (drift.version !== control) return `the last look compared with ${drift.version}, and the control is ${control}`;
  if (now - drift.looked_at > freshMs)
    return `the last look is ${Math.round((now - drift.looked_at) / 1000)} s old, and looks fail or take too long`;
  return undefined;
}

/**
 * The verdict on a rollout. `hold` while the data (which affects all versions) or a candidate's answers (which affects
 * only it) have moved, and while one of them could not be compared: the sentence then says what is missing. A look that
 * is too old, or that is about another version, does not advance either. Never `rollBack`. What the policy ignores is
 * not required. The candidates' answers are compared when they and control serve at the same time; in other steps the
 * sentence says that they are not. Pure.
 *
 * @param drift the last look at the rollout's endpoint
 * @param clock `freshMs`: how long a look is valid
 */
export function driftFinding(
  drift: EndpointDrift,
  rollout: Rollout,
  clock: { now: number; freshMs: number },
): { verdict: 'advance' | 'hold'; reasons: string[]; sentence: string; numbers: object } {
  const policy = rollout.spec.drift;
  const watchData = policy?.dataMoved !== 'ignore';
  const watchModel = policy?.modelMoved !== 'ignore';
  const concurrent = rollout.weight > 0 && rollout.weight < 1;
  const arms = Object.entries(concurrent && drift.rollout_id === rollout.id ? drift.arms : {});
  const moved = dataMoved(drift.inputs);
  const movedArms = arms.filter(([, judged]) => judged.state === 'moved');
  const numbers = {
    data: drift.state,
    data_moved: moved,
    model_moved: arms.length === 0 ? null : movedArms.length > 0,
    inputs: drift.inputs,
    arms: Object.fromEntries(arms),
    version: drift.version,
    looked_at: drift.looked_at,
  };
  // Then the rollout does not require a verdict of drift-monitor.
  const note = policy ? '' : ' (for information only: the rollout has no "drift")';
  const hold = (reasons: string[], says: readonly string[]) => ({
    verdict: 'hold' as const,
    ...{ reasons, sentence: `Hold${note}: ${says.join('; ')}.`, numbers },
  });
  const notNow = beside(drift, rollout, clock);
  if (notNow) return hold(['insufficient_data:drift'], [notNow]);
  const reasons: string[] = [];
  const says: string[] = [];
  if (moved && watchData) {
    reasons.push('data_moved');
    says.push(`the inputs have moved away from the training data of ${drift.version}: ${named(drift.inputs)}`);
  }
  if (watchModel)
    for (const [arm, judged] of movedArms) {
      if (!reasons.includes('model_moved')) reasons.push('model_moved');
      says.push(`the ${arm} answers differently from the control on the same traffic: ${named(judged)}`);
    }
  const missing = [
    ...(watchData ? unseen(drift.inputs, 'the data', `were not compared: ${drift.note || NO_INPUTS}`) : []),
    ...(watchModel && concurrent ? unseenArms(arms) : []),
  ];
  if (missing.length > 0) {
    reasons.push('insufficient_data:drift');
    says.push(...missing);
  }
  if (reasons.length > 0) return hold(reasons, says);
  const compared = [
    watchData ? 'the data have not moved' : 'the data are not watched (drift.dataMoved is ignore)',
    !watchModel
      ? "the candidate's answers are not watched (drift.modelMoved is ignore)"
      : concurrent
        ? `${arms.map(([arm]) => `the ${arm}'s answers`).join(' and ')} have not moved from the control's`
        : "the candidate's answers are not compared in this step, because control does not serve at the same time",
  ];
  const said = [...compared, ...(drift.note ? [drift.note] : [])].join('; ');
  return { verdict: 'advance', reasons: ['no_drift'], sentence: `Advance${note}: ${said}.`, numbers };
}

const unseenArms = (arms: readonly [string, DriftJudgement][]): string[] =>
  arms.length === 0
    ? unseen(null, "the candidate's answers", `were not compared: ${NO_OUTPUTS}`)
    : arms.flatMap(([arm, judged]) => unseen(judged, `the ${arm}'s answers`, `were not compared: ${NO_OUTPUTS}`));

/** What a look could not compare, as a part of a sentence; empty when it compared everything. */
export function untoldNote(untold: { rows: number; inputs: number; outputs: number }, leftOut: number): string {
  const says = [
    ...(untold.inputs > 0
      ? [`${untold.inputs} of ${untold.rows} rows have no features of the request, and are left out`]
      : []),
    ...(untold.outputs > 0
      ? [`${untold.outputs} of ${untold.rows} rows have no features of the answer, and are left out`]
      : []),
    ...(leftOut > 0 ? [`${leftOut} features of the training data are not compared: a profile has at most 256`] : []),
  ];
  return says.join('; ');
}

const NO_INPUTS = 'the reference profile has no inputs (with drift.dataMoved: ignore the rollout does not need them)';
const NO_OUTPUTS =
  'the reference profile has no outputs (with drift.modelMoved: ignore the rollout does not need them)';

/** Why the endpoint's version should be retrained; empty when it should not. Pure. */
export function retrainingReasons(drift: EndpointDrift): string[] {
  return [
    ...drift.losses.filter((l) => l.state === 'lost').map((l) => `label_loss:${l.outcome}`),
    ...(drift.lasting ? ['lasting_drift'] : []),
  ];
}

/** @param cooldownMs time in which the same reasons give one message, with the same id */
export function retrainingEvent(
  drift: EndpointDrift,
  reasons: string[],
  context: { source: string; now: number; cooldownMs: number },
): Retraining {
  const ref = parseVersion(drift.version);
  if (!ref) throw new Error(`"${drift.version}" does not name a version`);
  const lost = drift.losses
    .filter((l) => l.state === 'lost')
    .map((l) => `its error rate on labelled requests is ${percent(l.rate)}, at registration ${percent(l.reference)}`);
  const moved = drift.lasting
    ? [`its inputs have moved and stayed away from the training data: ${named(drift.inputs)}`]
    : [];
  return {
    event_id: createHash('sha256')
      .update(`${drift.version} ${reasons.join()} ${Math.floor(context.now / context.cooldownMs)}`)
      .digest('hex')
      .slice(0, 32),
    type: 'slipway.retraining.v1',
    source: context.source,
    time: context.now,
    ...ref,
    endpoint: drift.endpoint,
    reasons,
    sentence: `${drift.version} should be retrained: ${[...lost, ...moved].join('; ')}.`,
    data: { table: 'slipway.predictions', from: drift.since, to: context.now },
    numbers: { losses: drift.losses, inputs: drift.inputs },
  };
}

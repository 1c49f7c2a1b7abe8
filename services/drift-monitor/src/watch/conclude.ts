import { createHash } from 'node:crypto';
import type { Retraining, Rollout } from '@slipway/contracts';
import type { DriftJudgement, LossJudgement } from '@slipway/stats';

/** What is known of one endpoint after a look. */
export type EndpointDrift = {
  endpoint: string;
  version: string;
  /** When it was looked at, milliseconds since the epoch. */
  looked_at: number;
  /** `no_profile`: the version has no reference to compare with. */
  state: DriftJudgement['state'] | 'no_profile';
  note: string;
  inputs: DriftJudgement | null;
  outputs: DriftJudgement | null;
  /** The data have stayed away for several looks in a row. */
  lasting: boolean;
  losses: (LossJudgement & { outcome: string; output: string })[];
  /** Start of the oldest window that was looked at. */
  since: number;
};

/** A single feature that has moved this far, or half of all features, is a move of the data. */
const FAR = 0.25;

/** Whether the inputs have moved as a whole. */
export function dataMoved(inputs: DriftJudgement | null): boolean {
  if (inputs?.state !== 'moved') return false;
  const features = inputs.features.filter((f) => inputs.moved.includes(f.feature));
  return features.length >= inputs.features.length / 2 || features.some((f) => (f.psi ?? 0) >= FAR);
}

function named(judged: DriftJudgement | null): string {
  return (judged?.moved ?? [])
    .map((m) => `${m} (PSI ${(judged?.features.find((f) => f.feature === m)?.psi ?? 0).toFixed(2)})`)
    .join(', ');
}

/**
 * What drift says of a rollout: `hold` while the data (both versions see that) or the candidate's answers (only it
 * does) have moved, or while there are
 * too few rows to know; never `rollBack`. Pure.
 *
 * @param arms the candidate's answers against the concurrent control's
 */
export function driftFinding(
  drift: EndpointDrift,
  arms: DriftJudgement | null,
  rollout: Rollout,
): { verdict: 'advance' | 'hold'; reasons: string[]; sentence: string; numbers: object } {
  const policy = rollout.spec.drift;
  const moved = dataMoved(drift.inputs);
  const modelMoved = arms?.state === 'moved';
  const reasons: string[] = [];
  const says: string[] = [];
  if (moved && policy?.dataMoved !== 'ignore') {
    reasons.push('data_moved');
    says.push(`the data have moved from what ${drift.version} was trained on: ${named(drift.inputs)}`);
  }
  if (modelMoved && policy?.modelMoved !== 'ignore') {
    reasons.push('model_moved');
    says.push(`the candidate answers differently from the control on the same traffic: ${named(arms)}`);
  }
  const scarce = [drift.inputs, ...(rollout.weight > 0 && rollout.weight < 1 ? [arms] : [])].find(
    (j) => j?.state === 'insufficient_data',
  );
  if (reasons.length === 0 && (drift.state === 'no_profile' || scarce?.state === 'insufficient_data')) {
    reasons.push('insufficient_data:drift');
    says.push(
      drift.state === 'no_profile'
        ? `there is nothing to compare with: ${drift.note}`
        : `too few rows in a window to tell (${scarce?.rows} of ${scarce?.state === 'insufficient_data' ? scarce.needed : 0})`,
    );
  }
  const numbers = {
    data: drift.state,
    data_moved: moved,
    model_moved: modelMoved,
    inputs: drift.inputs,
    arms,
    version: drift.version,
  };
  if (reasons.length > 0) return { verdict: 'hold', reasons, sentence: `Hold: ${says.join('; ')}.`, numbers };
  return {
    verdict: 'advance',
    reasons: ['no_drift'],
    sentence: 'Advance: neither the data nor the candidate have moved.',
    numbers,
  };
}

/** Why the endpoint's version should be retrained; empty when it should not. Pure. */
export function retrainingReasons(drift: EndpointDrift): string[] {
  return [
    ...drift.losses.filter((l) => l.state === 'lost').map((l) => `label_loss:${l.outcome}`),
    ...(drift.lasting ? ['lasting_drift'] : []),
  ];
}

/** @param cooldownMs one message for the same reasons in this time: its id says so, too */
export function retrainingEvent(
  drift: EndpointDrift,
  reasons: string[],
  context: { source: string; now: number; cooldownMs: number },
): Retraining {
  const [model = '', version = '0'] = drift.version.split(':');
  const percent = (x: number | null) => (x === null ? 'n/a' : `${(100 * x).toFixed(1)} %`);
  const lost = drift.losses
    .filter((l) => l.state === 'lost')
    .map((l) => `it errs on ${percent(l.rate)} of labelled requests, ${percent(l.reference)} when it was registered`);
  const moved = drift.lasting ? [`its inputs have moved and stayed there: ${named(drift.inputs)}`] : [];
  return {
    event_id: createHash('sha256')
      .update(`${drift.version} ${reasons.join()} ${Math.floor(context.now / context.cooldownMs)}`)
      .digest('hex')
      .slice(0, 32),
    type: 'slipway.retraining.v1',
    source: context.source,
    time: context.now,
    model,
    version: Number(version),
    endpoint: drift.endpoint,
    reasons,
    sentence: `${drift.version} should be retrained: ${[...lost, ...moved].join('; ')}.`,
    data: { table: 'slipway.predictions', from: drift.since, to: context.now },
    numbers: { losses: drift.losses, inputs: drift.inputs },
  };
}

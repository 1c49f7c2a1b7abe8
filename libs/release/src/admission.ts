import { formatVersion, canonicalJson } from '@slipway/core';
import { type Version } from '@slipway/model';
import { type RolloutSpec } from './spec.ts';
import { ProblemError } from '@slipway/core';
import { allSteps } from './steps/step-at.ts';

/** `error_rate` is always a guardrail: a rollout that does not name it gets it with its declared margin. */
export function withDefaultGuardrails(spec: RolloutSpec): RolloutSpec {
  if (spec.guardrails.some((g) => g.metric === 'error_rate')) return spec;
  return { ...spec, guardrails: [{ metric: 'error_rate' }, ...spec.guardrails] };
}

/** The goals of the steps, each with the specification field that names it. */
export function goalsOf(spec: Pick<RolloutSpec, 'steps'>): { field: string; metric: string }[] {
  return allSteps(spec).flatMap(({ index, kind, goal }) =>
    goal ? [{ field: `steps.${index}.${kind}.${goal.field}`, metric: goal.metric }] : [],
  );
}

/**
 * A candidate must take the requests that the control takes, and answer with the outputs that callers know.
 * @param field where the specification names it @throws ProblemError naming that
 */
export function checkSignature(control: Version, candidate: Version, field = 'candidate'): void {
  for (const side of ['inputs', 'outputs'] as const) {
    const shape = (v: Version) =>
      canonicalJson(v.bundle.signature[side].map(({ name, datatype, shape }) => ({ name, datatype, shape })));
    if (shape(control) !== shape(candidate)) {
      throw new ProblemError(
        'unmet_reference',
        `${field}: its ${side} ${shape(candidate)} are not those of the version that serves now, ${shape(control)}`,
        { errors: [{ field, message: `has other ${side} than the version that serves now` }] },
      );
    }
  }
}

/**
 * Callers of an endpoint use one protocol, so all its versions must speak it.
 * @param field where the specification names it @throws ProblemError naming that
 */
export function checkProtocol({ bundle: control }: Version, { bundle: candidate }: Version, field = 'candidate'): void {
  const [present, other] = [control.infra.protocol, candidate.infra.protocol];
  if (present === other) return;
  const message = `speaks ${other}; the version that serves now speaks ${present}`;
  throw new ProblemError('unmet_reference', `${field}: it ${message}`, { errors: [{ field, message }] });
}

/** Drift can be required only when there is a reference profile to compare with. */
export function checkDrift(spec: RolloutSpec, control: Version): void {
  if (!spec.drift || control.profile) return;
  const why = control.profile_note || 'it was registered before reference profiles existed';
  const message = `${formatVersion(control)} has no reference profile: ${why}`;
  throw new ProblemError('unmet_reference', `drift: ${message}`, { errors: [{ field: 'drift', message }] });
}

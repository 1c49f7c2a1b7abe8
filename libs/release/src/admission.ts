import { formatVersion, canonicalJson } from '@slipway/core';
import { type Version } from '@slipway/model';
import { type Guardrail, type RolloutSpec } from './spec.ts';
import { type Metric } from './metric.ts';
import { ProblemError } from '@slipway/core';
import { isJudgeable } from './judgeable.ts';

/** `error_rate` always guards: a rollout that does not name it gets it with its declared margin. */
export function withDefaultGuardrails(spec: RolloutSpec): RolloutSpec {
  if (spec.guardrails.some((g) => g.metric === 'error_rate')) return spec;
  return { ...spec, guardrails: [{ metric: 'error_rate' }, ...spec.guardrails] };
}

/** Checks a guardrail against its metric's declaration. @throws ProblemError naming the guardrail's field */
export function checkGuardrail(g: Guardrail, metric: Metric | undefined, index: number): Metric {
  const refuse = (field: string, message: string): never => {
    throw new ProblemError('unmet_reference', `guardrails.${index}.${field}: ${message}`, {
      errors: [{ field: `guardrails.${index}.${field}`, message }],
    });
  };
  if (!metric) return refuse('metric', `there is no metric "${g.metric}"; declare it with PUT /v1/metrics/${g.metric}`);
  if (!isJudgeable(metric))
    return refuse('metric', `"${g.metric}" is of the kind ${metric.kind}; a guardrail needs a proportion, or latency`);
  if (metric.direction === 'lower' && g.minRatio !== undefined)
    return refuse('minRatio', `lower is better for "${g.metric}": give maxRatio`);
  if (metric.direction === 'higher' && g.maxRatio !== undefined)
    return refuse('maxRatio', `higher is better for "${g.metric}": give minRatio`);
  if (g.role === 'watch' && metric.kind !== 'proportion')
    return refuse('role', 'only proportions can be watched so far');
  if (g.proof && metric.kind !== 'proportion') return refuse('proof', 'only proportions can be proved so far');
  if (g.harm) {
    const latency = metric.kind !== 'proportion';
    if (g.role === 'watch') return refuse('harm', 'what is only watched decides nothing');
    if (latency && g.harm.absolute !== undefined) return refuse('harm.absolute', 'a harm to latency is a ratio');
    if (g.harm.ratio !== undefined && (metric.direction === 'lower' ? g.harm.ratio <= 1 : g.harm.ratio >= 1))
      return refuse(
        'harm.ratio',
        `${metric.direction} is better for "${g.metric}": a harm is a ratio ` +
          `${metric.direction === 'lower' ? 'above' : 'below'} 1`,
      );
  }
  if (g.sla && !('field' in metric.source && metric.source.field === 'latency_us'))
    return refuse('sla', 'only latency has quantiles');
  return metric;
}

/** An experiment's goal is an outcome that is counted by units. */
export function checkGoal(name: string, metric: Metric | undefined, index: number): Metric {
  const message = !metric
    ? `there is no metric "${name}"; declare it with PUT /v1/metrics/${name}`
    : metric.kind !== 'proportion' || !('outcome' in metric.source)
      ? `"${name}" is no proportion of outcomes, so it cannot be a goal`
      : undefined;
  if (!metric || message !== undefined)
    throw new ProblemError('unmet_reference', `steps.${index}.experiment.goal: ${message}`, {
      errors: [{ field: `steps.${index}.experiment.goal`, message: message ?? '' }],
    });
  return metric;
}

/** A candidate must take the requests that the control takes, and answer with the outputs that callers know. */
export function checkSignature(control: Version, candidate: Version): void {
  for (const side of ['inputs', 'outputs'] as const) {
    const shape = (v: Version) =>
      canonicalJson(v.bundle.signature[side].map(({ name, datatype, shape }) => ({ name, datatype, shape })));
    if (shape(control) !== shape(candidate)) {
      throw new ProblemError(
        'unmet_reference',
        `candidate: its ${side} ${shape(candidate)} are not those of the version that serves now, ${shape(control)}`,
        { errors: [{ field: 'candidate', message: `has other ${side} than the version that serves now` }] },
      );
    }
  }
}

/** Drift can be asked only where there is something to compare with. */
export function checkDrift(spec: RolloutSpec, control: Version): void {
  if (!spec.drift || control.profile) return;
  const why = control.profile_note || 'it was registered before there were any';
  const message = `${formatVersion(control)} has no reference profile: ${why}`;
  throw new ProblemError('unmet_reference', `drift: ${message}`, { errors: [{ field: 'drift', message }] });
}

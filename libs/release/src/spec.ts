import { z } from 'zod';
import { nameSchema, unitKindSchema, versionRefSchema } from '@slipway/core';
import { durationMs, durationSchema, shareSchema } from '@slipway/core';
import { compareSchema } from './comparators/rule.ts';
import { guardrailSchema } from './metrics/guardrail.ts';

/** Counts are the candidate's own; all that are given must be reached. */
export const untilSchema = z.strictObject({
  requests: z.int().min(1).optional(),
  units: z.int().min(1).optional(),
  for: durationSchema.optional(),
});

export const shadowStepSchema = z.strictObject({
  /** Share of the endpoint's requests; drawn by hash, before anything is known of the load. */
  sample: shareSchema.pipe(z.number().gt(0)).default(1),
  until: z.strictObject({ pairs: z.int().min(1).default(200), for: durationSchema.optional() }).prefault({}),
  /** Largest share of requests on which the candidate may differ from control beyond control's own noise. */
  maxExcessDisagreement: shareSchema,
  /** Share of the sampled requests that control answers once more. */
  noise: shareSchema.default(0.1),
  /** After so long an answer is not wanted any more. */
  deadline: durationSchema.default('30s'),
  compare: compareSchema.prefault({}),
});
export type ShadowStep = z.infer<typeof shadowStepSchema>;

export const stepSchema = z.union([
  z.strictObject({ shadow: shadowStepSchema }),
  z.strictObject({ dark: z.strictObject({ for: durationSchema.optional() }) }),
  z.strictObject({
    canary: z.strictObject({ weight: shareSchema.pipe(z.number().gt(0).lt(1)), until: untilSchema.prefault({}) }),
  }),
  z.strictObject({
    experiment: z.strictObject({
      /** Control and candidate, as parts of the whole: [50, 50]. */
      split: z.tuple([z.number().gt(0), z.number().gt(0)]).default([50, 50]),
      /** A proportion that the candidate has to be shown to improve. */
      goal: nameSchema,
      until: untilSchema.prefault({}),
    }),
  }),
  z.strictObject({ switch: z.strictObject({}) }),
  z.strictObject({
    watch: z.strictObject({ for: durationSchema, holdBack: shareSchema.pipe(z.number().max(0.5)).default(0) }),
  }),
]);
export type Step = z.infer<typeof stepSchema>;

export const rolloutSpecSchema = z
  .strictObject({
    endpoint: nameSchema,
    candidate: versionRefSchema,
    unit: unitKindSchema.default('request'),
    steps: z.array(stepSchema).min(1).max(32),
    guardrails: z.array(guardrailSchema).max(32).default([]),
    /** Largest probability of promoting a candidate that does a guardrail's `harm`; 0.05 when absent. */
    missed: z.number().gt(0).max(0.5).optional(),
    /** `pause`: a candidate that is proven bad goes back to the last proven weight, and waits for a person. */
    onFailure: z.enum(['rollBack', 'pause']).default('rollBack'),
    /** A candidate that is out of service for longer pauses the rollout at the last proven weight. */
    maxOutOfService: durationSchema.default('60s'),
    /**
     * Ask drift-monitor too: while the data (or the candidate's answers) have moved, the rollout holds. Drift never
     * rolls back.
     */
    drift: z
      .strictObject({
        dataMoved: z.enum(['hold', 'ignore']).default('hold'),
        modelMoved: z.enum(['hold', 'ignore']).default('hold'),
      })
      .optional(),
  })
  .superRefine((spec, ctx) => {
    const complain = (path: (string | number)[], message: string) => ctx.addIssue({ code: 'custom', path, message });
    let weight = 0;
    let switchAt = -1;
    spec.steps.forEach((step, i) => {
      if (switchAt >= 0 && !('watch' in step)) complain(['steps', i], 'only "watch" may follow "switch"');
      if ('canary' in step) {
        if (step.canary.weight <= weight)
          complain(
            ['steps', i, 'canary', 'weight'],
            `weights must grow from step to step (the step before has ${weight})`,
          );
        weight = step.canary.weight;
      } else if ('experiment' in step) {
        const share = experimentShare(step.experiment);
        if (share < weight)
          complain(
            ['steps', i, 'experiment', 'split'],
            `the candidate's share may not shrink (the step before has ${weight})`,
          );
        weight = share;
      } else if ('switch' in step) {
        switchAt = i;
      } else if ('watch' in step) {
        if (switchAt !== i - 1) complain(['steps', i], '"watch" must follow "switch" directly, and only once');
        if (weight > 1 - step.watch.holdBack) {
          complain(
            ['steps', i, 'watch', 'holdBack'],
            'units that an earlier canary step gave to the candidate cannot be held back',
          );
        }
      }
    });
    const seen = new Set<string>();
    spec.guardrails.forEach((g, i) => {
      if (seen.has(g.metric)) complain(['guardrails', i, 'metric'], 'is named twice');
      seen.add(g.metric);
      if (g.maxRatio !== undefined && g.minRatio !== undefined)
        complain(['guardrails', i], 'give maxRatio or minRatio, not both');
    });
  });
export type RolloutSpec = z.infer<typeof rolloutSpecSchema>;

/** The candidate's share in an experiment. */
export function experimentShare({ split: [control, candidate] }: { split: readonly [number, number] }): number {
  return Math.round((candidate / (control + candidate)) * 1e9) / 1e9;
}

type KeyOf<U> = U extends unknown ? keyof U : never;
export type StepKind = KeyOf<Step>;
type StepOf<K extends StepKind> = Extract<Step, Record<K, unknown>>;
export function stepKind(step: Step): StepKind {
  return Object.keys(step)[0] as StepKind;
}
/** One answer for every kind of step: a kind that is missing does not compile. */
export type ByKind<R> = { readonly [K in StepKind]: (step: StepOf<K>, steps: readonly Step[], index: number) => R };

/** @throws RangeError for a step of a kind that this program does not know */
function byKind<R>(table: ByKind<R>, steps: readonly Step[], index: number): R {
  const step = steps[index] as Step;
  const kind = stepKind(step);
  const answer = Object.hasOwn(table, kind) ? (table[kind] as (s: Step, all: readonly Step[], i: number) => R) : null;
  if (!answer) throw new RangeError(`steps.${index}: "${kind}" is no kind of step`);
  return answer(step, steps, index);
}

/** Shortest stay in a step, milliseconds. */
export function stepDwellMs(step: Step): number {
  const policy: { for?: string | undefined; until?: { for?: string | undefined } } = Object.values(step)[0];
  const dwell = policy.for ?? policy.until?.for;
  return dwell ? durationMs(dwell) : 0;
}

const afterSwitch = (steps: readonly Step[]) =>
  1 - (steps.flatMap((s) => ('watch' in s ? [s.watch.holdBack] : []))[0] ?? 0);
const WEIGHT: ByKind<number> = {
  shadow: (_, steps, index) => stepWeight(steps, index - 1),
  dark: (_, steps, index) => stepWeight(steps, index - 1),
  canary: ({ canary }) => canary.weight,
  experiment: ({ experiment }) => experimentShare(experiment),
  switch: (_, steps) => afterSwitch(steps),
  watch: (_, steps) => afterSwitch(steps),
};

/**
 * The candidate's share of traffic while step `index` is active; 0 before the first step. Shadow and dark change
 * nothing for traffic; a watch's hold-back already applies to the switch before it.
 *
 * @throws RangeError for a step of a kind that this program does not know: it gets no traffic
 */
export function stepWeight(steps: readonly Step[], index: number): number {
  return steps[index] ? byKind(WEIGHT, steps, index) : 0;
}

export const ANALYSERS = { traffic: 'experiment-stats', shadow: 'shadow-comparator', drift: 'drift-monitor' } as const;

const ANALYSER: ByKind<string | null> = {
  shadow: () => ANALYSERS.shadow,
  dark: () => null,
  canary: () => ANALYSERS.traffic,
  experiment: () => ANALYSERS.traffic,
  switch: () => null,
  watch: () => ANALYSERS.traffic,
};

/** Whose `advance` a step needs; nobody's for `dark` and `switch`. @throws RangeError for an unknown kind of step */
export function requiredAnalysers(spec: Pick<RolloutSpec, 'steps' | 'drift'>, index: number): string[] {
  const analyser = spec.steps[index] ? byKind(ANALYSER, spec.steps, index) : null;
  if (!analyser) return [];
  return analyser === ANALYSERS.traffic && spec.drift ? [analyser, ANALYSERS.drift] : [analyser];
}

/**
 * How the rollout's α is split over those that may roll back: a fifth to the shadow where there is one, the rest to the
 * traffic steps.
 */
export function alphaShare(rollout: { alpha: number; spec: Pick<RolloutSpec, 'steps'> }, analyser: string): number {
  const kinds = rollout.spec.steps.map(stepKind);
  const shadows = kinds.filter((k) => k === 'shadow').length;
  // Drift never rolls back, so it spends nothing.
  if (analyser === ANALYSERS.drift) return 0;
  if (analyser === ANALYSERS.shadow) return shadows > 0 ? rollout.alpha / 5 / shadows : rollout.alpha / 5;
  return shadows > 0 ? (rollout.alpha * 4) / 5 : rollout.alpha;
}

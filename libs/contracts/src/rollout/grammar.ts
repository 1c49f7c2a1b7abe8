import { z } from 'zod';
import { nameSchema, unitKindSchema, versionRefSchema } from '../names.ts';
import { durationSchema, shareSchema } from './units.ts';

/** Counts are the candidate's own; all that are given must be reached. */
export const untilSchema = z.strictObject({
  requests: z.int().min(1).optional(),
  units: z.int().min(1).optional(),
  for: durationSchema.optional(),
});

export const stepSchema = z.union([
  z.strictObject({ canary: z.strictObject({ weight: shareSchema.pipe(z.number().gt(0).lt(1)), until: untilSchema.prefault({}) }) }),
  z.strictObject({ switch: z.strictObject({}) }),
  z.strictObject({ watch: z.strictObject({ for: durationSchema, holdBack: shareSchema.pipe(z.number().max(0.5)).default(0) }) }),
]);
export type Step = z.infer<typeof stepSchema>;

export const guardrailSchema = z.strictObject({
  metric: nameSchema,
  /** Candidate over control; for metrics where lower is better. At least 1. */
  maxRatio: z.number().min(1).max(100).optional(),
  /** Candidate over control; for metrics where higher is better. At most 1. */
  minRatio: z.number().gt(0).max(1).optional(),
  /** Names of quantiles (`p50`, `p90`, `p99`) with the longest latency that is acceptable in any case. */
  sla: z.partialRecord(z.enum(['p50', 'p90', 'p99']), durationSchema).optional(),
});
export type Guardrail = z.infer<typeof guardrailSchema>;

export const rolloutSpecSchema = z
  .strictObject({
    endpoint: nameSchema,
    candidate: versionRefSchema,
    unit: unitKindSchema.default('request'),
    steps: z.array(stepSchema).min(1).max(32),
    guardrails: z.array(guardrailSchema).max(32).default([]),
    onFailure: z.enum(['rollBack', 'pause']).default('rollBack'),
  })
  .superRefine((spec, ctx) => {
    const complain = (path: (string | number)[], message: string) => ctx.addIssue({ code: 'custom', path, message });
    let weight = 0;
    let switchAt = -1;
    spec.steps.forEach((step, i) => {
      if (switchAt >= 0 && !('watch' in step)) complain(['steps', i], 'only "watch" may follow "switch"');
      if ('canary' in step) {
        if (step.canary.weight <= weight) complain(['steps', i, 'canary', 'weight'], `weights must grow from step to step (the step before has ${weight})`);
        weight = step.canary.weight;
      } else if ('switch' in step) {
        switchAt = i;
      } else {
        if (switchAt !== i - 1) complain(['steps', i], '"watch" must follow "switch" directly, and only once');
        if (weight > 1 - step.watch.holdBack) {
          complain(['steps', i, 'watch', 'holdBack'], 'units that an earlier canary step gave to the candidate cannot be held back');
        }
      }
    });
    const seen = new Set<string>();
    spec.guardrails.forEach((g, i) => {
      if (seen.has(g.metric)) complain(['guardrails', i, 'metric'], 'is named twice');
      seen.add(g.metric);
      if (g.maxRatio !== undefined && g.minRatio !== undefined) complain(['guardrails', i], 'give maxRatio or minRatio, not both');
    });
  });
export type RolloutSpec = z.infer<typeof rolloutSpecSchema>;

export type StepKind = 'canary' | 'switch' | 'watch';
export function stepKind(step: Step): StepKind {
  return 'canary' in step ? 'canary' : 'switch' in step ? 'switch' : 'watch';
}

/** The candidate's share of traffic while step `index` is active. A watch's hold-back already applies to the switch before it. */
export function stepWeight(steps: readonly Step[], index: number): number {
  const step = steps[index];
  if (!step) return 0;
  if ('canary' in step) return step.canary.weight;
  const watch = steps.find((s) => 'watch' in s);
  return watch && 'watch' in watch ? 1 - watch.watch.holdBack : 1;
}

import { z } from 'zod';
import { CONTROL, durationSchema, formatVersion, nameSchema, unitKindSchema, versionRefSchema } from '@slipway/core';
import { guardrailSchema } from './metrics/guardrail.ts';
import { stepSchema } from './steps/kinds.ts';
import { allSteps } from './steps/step-at.ts';

/** So many versions can be compared with control at once. */
const MOST_CANDIDATES = 10;

export const rolloutSpecSchema = z
  .strictObject({
    endpoint: nameSchema,
    candidate: versionRefSchema.optional(),
    /** Instead of `candidate`: those of an experiment of several arms, each by the name of its arm. */
    candidates: z
      .array(versionRefSchema.extend({ name: nameSchema }))
      .min(2)
      .max(MOST_CANDIDATES)
      .optional(),
    unit: unitKindSchema.default('request'),
    steps: z.array(stepSchema).min(1).max(32),
    guardrails: z.array(guardrailSchema).max(32).default([]),
    /** Largest probability of promoting a candidate that does a guardrail's `harm`; 0.05 when absent. */
    missed: z.number().gt(0).max(0.5).optional(),
    /** `pause`: a candidate that is proven bad returns to the last proven weight, and waits for a person. */
    onFailure: z.enum(['rollBack', 'pause']).default('rollBack'),
    /** A candidate that is out of service for longer than this pauses the rollout at the last proven weight. */
    maxOutOfService: durationSchema.default('60s'),
    /**
     * Require drift-monitor's verdict as well: the rollout holds while the data (or the candidate's answers) have
     * moved. Drift never rolls back.
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
    if ((spec.candidate === undefined) === (spec.candidates === undefined))
      return complain(['candidate'], 'give either "candidate" or, for an experiment of several, "candidates"');
    const arms = new Set<string>();
    const versions = new Set<string>();
    spec.candidates?.forEach((c, i) => {
      if (c.name === CONTROL) complain(['candidates', i, 'name'], `"${CONTROL}" is the arm that serves now`);
      if (arms.has(c.name)) complain(['candidates', i, 'name'], 'is given twice');
      if (versions.has(formatVersion(c))) complain(['candidates', i], `${formatVersion(c)} is given twice`);
      arms.add(c.name);
      versions.add(formatVersion(c));
    });
    if (spec.candidates && !allSteps(spec).at(-1)?.goal)
      complain(['steps'], 'several candidates take an "experiment" as their last step: it says which one has won');
    for (const step of allSteps(spec))
      for (const { at = step.index, field, message } of step.complaints)
        complain(['steps', at, ...(field === undefined ? [] : [step.kind, field])], message);
    const seen = new Set<string>();
    spec.guardrails.forEach((g, i) => {
      if (seen.has(g.metric)) complain(['guardrails', i, 'metric'], 'is named twice');
      seen.add(g.metric);
      if (g.maxRatio !== undefined && g.minRatio !== undefined)
        complain(['guardrails', i], 'give maxRatio or minRatio, not both');
    });
  });
export type RolloutSpec = z.infer<typeof rolloutSpecSchema>;

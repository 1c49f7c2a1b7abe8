import { z } from 'zod';
import { canary } from './canary.ts';
import { dark } from './dark.ts';
import { experiment } from './experiment.ts';
import { shadow } from './shadow.ts';
import { switchOver } from './switch.ts';
import { watch } from './watch.ts';

/** The kinds of steps. Everything else about a kind is in its own file. */
export const stepKinds = [shadow, dark, canary, experiment, switchOver, watch] as const;

export type StepKind = (typeof stepKinds)[number]['name'];

/** `{ [kind]: policy }` */
export const stepSchema = z.union(stepKinds.map((kind) => kind.step));
export type Step = z.infer<typeof stepSchema>;

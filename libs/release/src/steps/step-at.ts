import { type Step, type StepKind, stepKinds } from './kinds.ts';
import type { Alpha, Complaint, Counts, Enter, Goal, KindOfStep, Leave, Place, Sampling, Share } from './step.ts';

/** The part of a rollout's specification that defines its steps. */
export type Steps = {
  readonly steps: readonly Step[];
  readonly drift?: object | undefined;
  /** Where there are several. */
  readonly candidates?: readonly object[] | undefined;
};

const KINDS: ReadonlyMap<string, KindOfStep<StepKind>> = new Map(stepKinds.map((kind) => [kind.name, kind]));

/** A step of a rollout: its kind's answers for its policy. */
class StepAt implements Place {
  readonly index: number;
  private readonly spec: Steps;
  private readonly definition: KindOfStep<StepKind>;
  private readonly policy: unknown;
  constructor(spec: Steps, index: number, step: Step) {
    const [name = '', policy] = Object.entries(step)[0] ?? [];
    const definition = KINDS.get(name);
    if (!definition) throw new RangeError(`steps.${index}: "${name}" is not a kind of step`);
    this.index = index;
    this.spec = spec;
    this.definition = definition;
    this.policy = policy;
  }

  get kind(): StepKind {
    return this.definition.name;
  }
  get drift(): boolean {
    return this.spec.drift !== undefined;
  }
  get candidates(): number {
    return this.spec.candidates?.length ?? 1;
  }
  get previous(): StepAt | undefined {
    return stepAt(this.spec, this.index - 1);
  }
  get next(): StepAt | undefined {
    return stepAt(this.spec, this.index + 1);
  }
  get partBefore(): number {
    const { previous } = this;
    if (!previous) return 0;
    return typeof previous.share === 'object' && 'part' in previous.share ? previous.share.part : previous.partBefore;
  }

  get complaints(): Complaint[] {
    if (this.candidates > 1 && !this.definition.several) {
      const possible = stepKinds.filter((kind) => kind.several).map((kind) => `"${kind.name}"`);
      return [{ message: `"${this.kind}" is of one candidate; with "candidates" take ${possible.join(' or ')}` }];
    }
    return this.definition.check(this.policy, this);
  }
  get share(): Share {
    return this.definition.share(this.policy, this);
  }
  /** The share of traffic that the candidates have together while the step is active, 0 to 1. */
  get weight(): number {
    const { share } = this;
    if (share === 'same') return this.previous?.weight ?? 0;
    return 'part' in share ? share.part : 1 - share.allBut;
  }
  /** Of that, each candidate's part, in their order. */
  get parts(): readonly number[] {
    const n = this.candidates;
    return this.definition.parts?.(this.policy, this) ?? new Array<number>(n).fill(1 / n);
  }
  /** Minimum duration in milliseconds. */
  get dwellMs(): number {
    return this.definition.dwellMs(this.policy);
  }
  get enter(): Enter {
    return this.definition.enter(this.policy, this.weight);
  }
  get leave(): Leave {
    return this.definition.leave(this.policy, this);
  }
  get alpha(): Alpha | null {
    return this.definition.alpha;
  }
  get sentence(): string {
    return `Step ${this.index} (${this.kind}) is active ${this.definition.sentence(this.policy, this.weight, this)}.`;
  }
  get counts(): Counts {
    return this.definition.counts?.(this.policy) ?? {};
  }
  get goal(): Goal | undefined {
    return this.definition.goal?.(this.policy);
  }
  get sampling(): Sampling | undefined {
    return this.definition.sampling?.(this.policy);
  }
}
export type { StepAt };

/**
 * Step `index` of a rollout; undefined before the first and after the last.
 *
 * @throws RangeError for a step of a kind that this program does not know
 */
export function stepAt(spec: Steps, index: number): StepAt | undefined {
  const step = spec.steps[index];
  return step && new StepAt(spec, index, step);
}

/** @throws RangeError as {@link stepAt} */
export function allSteps(spec: Steps): StepAt[] {
  return spec.steps.map((step, index) => new StepAt(spec, index, step));
}

/**
 * The share of traffic that the candidates have together while step `index` is active, 0 to 1; 0 before the first
 * step. A watch's hold-back already applies to the switch before it.
 *
 * @throws RangeError as {@link stepAt}: a step of an unknown kind gets no traffic
 */
export function stepWeight(spec: Steps, index: number): number {
  return stepAt(spec, index)?.weight ?? 0;
}

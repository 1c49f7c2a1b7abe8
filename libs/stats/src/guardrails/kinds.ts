import type { Declared, GuardrailKind, Numbers } from './kind.ts';
import { proportion } from './proportion.ts';
import { quantile } from './quantile.ts';

/** Every kind of guardrail there is, by the name that its `kind` gives; the types follow from this list. */
const GUARDRAIL_KINDS = { proportion, quantile };

type Kinds = typeof GUARDRAIL_KINDS;
type KindName = keyof Kinds;
type FiguresOf<K extends KindName> = Kinds[K] extends GuardrailKind<infer _, infer F> ? F : never;

/** What is handed in of a guardrail. */
export type Guardrail = {
  [K in KindName]: Kinds[K] extends GuardrailKind<infer G, infer _> ? G & { kind: K } : never;
}[KindName];
/** What a verdict says of it. */
export type GuardrailNumbers = { [K in KindName]: Numbers & FiguresOf<K> & { kind: K } }[KindName];

/** The kind of a guardrail, or of what a verdict says of one; it takes what is of that kind. */
export const kindOf = ({ kind }: { kind: KindName }): GuardrailKind<Declared, object> =>
  GUARDRAIL_KINDS[kind] as GuardrailKind<Declared, object>;

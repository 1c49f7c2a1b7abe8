import { wellFormed } from '@slipway/core';
import { type Output, outputsOf } from '@slipway/protocol';
import type { CompareRule } from '@slipway/release';
import type { Difference } from '@slipway/contracts';
import {
  type Comparator,
  type Found,
  type FoundDifference,
  found,
  type Json,
  type Values,
} from '../comparators/comparator.ts';
import { type Comparators, comparators as all } from './comparators.ts';

export type Comparison = {
  agree: boolean;
  differences: Difference[];
  /** Largest |a − b| of two numbers. */
  maxDifference: number;
  /** Number of values that were compared; 0 when the rule names nothing that the answers have. */
  fields: number;
  /** Cost of the comparison, in the deployment's currency. */
  price: number;
};

/** Never compared: they identify the answer. */
const IDENTITY = new Set(['id', 'model_name', 'model_version', 'created', 'system_fingerprint']);
const MOST_DIFFERENCES = 20;
const SHOWN = 200;

/**
 * The differences of two answers to the same request. Answers of a protocol are compared output by output, anything
 * else as JSON by field; `comparators.ts` decides which comparator is used.
 * @param protocol of the answers; when empty, the first that can read them
 */
export async function compareAnswers(
  control: unknown,
  candidate: unknown,
  rule: CompareRule,
  protocol = '',
  comparators: Comparators = all,
): Promise<Comparison> {
  const walk = new Walk(rule, Object.values(comparators));
  const a = outputsOf(control, protocol);
  const b = outputsOf(candidate, protocol);
  if (a && b) walk.outputs(a, b);
  else walk.json('', strip(control as Json, rule), strip(candidate as Json, rule));
  const each = await Promise.all(walk.results);
  const differences = each.flatMap((one) => one.differences);
  return {
    agree: differences.length === 0,
    differences: differences.slice(0, MOST_DIFFERENCES).map(({ field, kind, control, candidate }) => ({
      field: shown(field || '(whole)'),
      kind,
      control: shown(control),
      candidate: shown(candidate),
    })),
    maxDifference: each.reduce((largest, one) => Math.max(largest, one.maxDifference), 0),
    fields: walk.fields,
    price: each.reduce((sum, one) => sum + one.price, 0),
  };
}

/** Walks through both answers and passes the values at the same place to a comparator. */
class Walk {
  /** In order of the places. */
  readonly results: (Found | Promise<Found>)[] = [];
  fields = 0;
  private readonly rule: CompareRule;
  private readonly comparators: readonly Comparator[];
  constructor(rule: CompareRule, comparators: readonly Comparator[]) {
    this.rule = rule;
    this.comparators = comparators;
  }

  private differ(field: string, kind: FoundDifference['kind'], control: unknown, candidate: unknown): void {
    this.results.push(found([{ field, kind, control, candidate }]));
  }

  /** @returns whether a comparator accepted the values */
  private compared(values: Values): boolean {
    const comparator = this.comparators.find((c) => c.takes(values, this.rule));
    if (comparator) this.results.push(comparator.compare(values, this.rule));
    return comparator !== undefined;
  }

  outputs(control: readonly Output[], candidate: readonly Output[]): void {
    for (const a of control) {
      if (!wanted(a.name, this.rule)) continue;
      this.fields++;
      const b = candidate.find((o) => o.name === a.name);
      if (!b) {
        this.differ(a.name, 'missing', a.values, '');
        continue;
      }
      const [x, y] = [a.values as Json[], b.values as Json[]];
      const output = { kind: a.kind, shape: a.shape };
      if (!this.compared({ field: a.name, control: x, candidate: y, output }))
        this.differ(a.name, 'length', x.length, y.length);
    }
    for (const b of candidate)
      if (wanted(b.name, this.rule) && !control.some((a) => a.name === b.name))
        this.differ(b.name, 'extra', '', b.values);
  }

  json(field: string, a: Json, b: Json): void {
    const { ignore } = this.rule;
    if (ignore.includes(field)) return;
    const [kind, other] = [kindOf(a), kindOf(b)];
    if (kind !== 'object' || kind !== other) this.fields++;
    if (kind !== other) this.differ(field, 'type', a, b);
    else if (this.compared({ field, control: a, candidate: b })) return;
    else if (Array.isArray(a) && Array.isArray(b)) {
      if (a.length !== b.length) this.differ(field, 'length', a.length, b.length);
      else for (const [i, x] of a.entries()) this.json(inside(field, i), x, b[i] as Json);
    } else this.objects(field, a as { [key: string]: Json }, b as { [key: string]: Json });
  }

  private objects(field: string, a: { [key: string]: Json }, b: { [key: string]: Json }): void {
    const { ignore } = this.rule;
    // A field that only one of them has counts as compared, too.
    const onlyOne = (name: string, kind: 'missing' | 'extra', control: Json, candidate: Json) => {
      const place = inside(field, name);
      if (ignore.includes(place)) return;
      this.fields++;
      this.differ(place, kind, control, candidate);
    };
    for (const [name, x] of Object.entries(a)) {
      if (name in b) this.json(inside(field, name), x, b[name] as Json);
      else onlyOne(name, 'missing', x, '');
    }
    for (const [name, x] of Object.entries(b)) if (!(name in a)) onlyOne(name, 'extra', '', x);
  }
}

const inside = (field: string, name: string | number) => (field ? `${field}.${name}` : String(name));
const kindOf = (x: Json): string => (x === null ? 'null' : Array.isArray(x) ? 'list' : typeof x);

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.length > SHOWN ? `${wellFormed(text.slice(0, SHOWN))}…` : wellFormed(text);
}

function wanted(name: string, rule: CompareRule): boolean {
  return (rule.fields?.includes(name) ?? true) && !rule.ignore.includes(name);
}

function strip(answer: Json, rule: CompareRule): Json {
  if (answer === null || typeof answer !== 'object' || Array.isArray(answer)) return answer;
  return Object.fromEntries(Object.entries(answer).filter(([name]) => !IDENTITY.has(name) && wanted(name, rule)));
}

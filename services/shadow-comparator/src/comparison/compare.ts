import { wellFormed } from '@slipway/platform';
import type { CompareRule } from '@slipway/release';
import type { Difference } from '@slipway/contracts';

export type Comparison = {
  agree: boolean;
  differences: Difference[];
  /** Largest |a − b| of two numbers. */
  maxDifference: number;
  /** How many values were looked at; with 0 the rule names nothing that the answers have, so nothing was compared. */
  fields: number;
};

/** Never compared: they name the answer, not what it says. */
const IDENTITY = new Set(['id', 'model_name', 'model_version', 'created', 'system_fingerprint']);
const MOST_DIFFERENCES = 20;
const SHOWN = 200;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Tensor = { name: string; datatype: string; shape?: number[]; data: Json[] };

/**
 * How two answers to the same request differ. OIP answers are compared output by output (whole numbers, truth values
 * and bytes are classes and must be equal; fractions have a tolerance; with `topK` the places of the k highest),
 * anything else as JSON by field. Pure.
 */
export function compareAnswers(control: unknown, candidate: unknown, rule: CompareRule): Comparison {
  const found = new Findings();
  const a = tensors(control);
  const b = tensors(candidate);
  if (a && b) compareTensors(a, b, rule, found);
  else compareJson('', strip(control as Json, rule), strip(candidate as Json, rule), rule, found);
  return {
    agree: found.differences.length === 0,
    differences: found.differences.slice(0, MOST_DIFFERENCES),
    maxDifference: found.maxDifference,
    fields: found.fields,
  };
}

class Findings {
  readonly differences: Difference[] = [];
  maxDifference = 0;
  fields = 0;
  /** A field that only one of them has was looked at, too. */
  onlyOne(field: string, kind: 'missing' | 'extra', control: unknown, candidate: unknown): void {
    this.fields++;
    this.add(field, kind, control, candidate);
  }
  add(field: string, kind: Difference['kind'], control: unknown, candidate: unknown): void {
    this.differences.push({
      field: shown(field || '(whole)'),
      kind,
      control: shown(control),
      candidate: shown(candidate),
    });
  }
  /** @returns whether the two numbers agree */
  numbers(a: number, b: number, rule: CompareRule): boolean {
    const d = Math.abs(a - b);
    if (Number.isFinite(d)) this.maxDifference = Math.max(this.maxDifference, d);
    return d <= rule.absolute + rule.relative * Math.abs(a);
  }
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.length > SHOWN ? `${wellFormed(text.slice(0, SHOWN))}…` : wellFormed(text);
}

function tensors(answer: unknown): Tensor[] | undefined {
  const outputs = (answer as { outputs?: unknown } | null)?.outputs;
  if (!Array.isArray(outputs) || !outputs.every((o) => typeof o?.name === 'string' && Array.isArray(o?.data)))
    return undefined;
  return outputs as Tensor[];
}

function wanted(name: string, rule: CompareRule): boolean {
  return (rule.fields?.includes(name) ?? true) && !rule.ignore.includes(name);
}

const isFraction = (datatype: string) => /^(FP|BF)/.test(datatype);

function compareTensors(control: Tensor[], candidate: Tensor[], rule: CompareRule, found: Findings): void {
  for (const a of control) {
    if (!wanted(a.name, rule)) continue;
    found.fields++;
    const b = candidate.find((o) => o.name === a.name);
    if (!b) {
      found.add(a.name, 'missing', a.data, '');
      continue;
    }
    const x = a.data.flat(16) as Json[];
    const y = b.data.flat(16) as Json[];
    if (x.length !== y.length) {
      found.add(a.name, 'length', x.length, y.length);
    } else if (isFraction(a.datatype) && rule.topK !== undefined && x.length > rule.topK) {
      const rows = a.shape && a.shape.length > 1 && (a.shape[0] as number) > 0 ? (a.shape[0] as number) : 1;
      const width = x.length / rows;
      for (let r = 0; r < rows; r++) {
        const [p, q] = [x, y].map((v) => top(v.slice(r * width, (r + 1) * width) as number[], rule.topK as number)) as [
          number[],
          number[],
        ];
        if (p.some((place) => !q.includes(place))) found.add(a.name, 'top_k', p, q);
      }
      for (const [i, v] of x.entries()) found.numbers(v as number, y[i] as number, rule);
    } else {
      for (const [i, v] of x.entries()) {
        const w = y[i] as Json;
        const same =
          isFraction(a.datatype) && typeof v === 'number' && typeof w === 'number'
            ? found.numbers(v, w, rule)
            : v === w;
        if (same) continue;
        found.add(x.length === 1 ? a.name : `${a.name}.${i}`, isFraction(a.datatype) ? 'number' : 'class', v, w);
      }
    }
  }
  for (const b of candidate)
    if (wanted(b.name, rule) && !control.some((a) => a.name === b.name)) found.add(b.name, 'extra', '', b.data);
}

/** Places of the k highest; equal scores by place. */
function top(scores: number[], k: number): number[] {
  return scores
    .map((s, i) => [s, i] as const)
    .sort(([a, i], [b, j]) => b - a || i - j)
    .slice(0, k)
    .map(([, i]) => i)
    .sort((a, b) => a - b);
}

function strip(answer: Json, rule: CompareRule): Json {
  if (answer === null || typeof answer !== 'object' || Array.isArray(answer)) return answer;
  return Object.fromEntries(Object.entries(answer).filter(([name]) => !IDENTITY.has(name) && wanted(name, rule)));
}

const kindOf = (x: Json): string => (x === null ? 'null' : Array.isArray(x) ? 'list' : typeof x);

function compareJson(field: string, a: Json, b: Json, rule: CompareRule, found: Findings): void {
  const at = (name: string | number) => (field ? `${field}.${name}` : String(name));
  if (rule.ignore.includes(field)) return;
  if (kindOf(a) !== 'object' || kindOf(a) !== kindOf(b)) found.fields++;
  if (kindOf(a) !== kindOf(b)) {
    found.add(field, 'type', a, b);
  } else if (typeof a === 'number') {
    if (!found.numbers(a, b as number, rule)) found.add(field, 'number', a, b);
  } else if (typeof a === 'string') {
    if (wordSimilarity(a, b as string) < rule.textSimilarity) found.add(field, 'text', a, b);
  } else if (Array.isArray(a)) {
    const other = b as Json[];
    if (a.length !== other.length) found.add(field, 'length', a.length, other.length);
    else for (const [i, x] of a.entries()) compareJson(at(i), x, other[i] as Json, rule, found);
  } else if (a !== null && typeof a === 'object') {
    const other = b as { [key: string]: Json };
    for (const [name, x] of Object.entries(a)) {
      if (name in other) compareJson(at(name), x, other[name] as Json, rule, found);
      else if (!rule.ignore.includes(at(name))) found.onlyOne(at(name), 'missing', x, '');
    }
    for (const name of Object.keys(other))
      if (!(name in a) && !rule.ignore.includes(at(name))) found.onlyOne(at(name), 'extra', '', other[name]);
  } else if (a !== b) {
    found.add(field, 'class', a, b);
  }
}

/**
 * Dice's coefficient of the multisets of words: 2·common / (words of both); 1 for the same words, whatever the white
 * space. In order too when it must be exact.
 */
export function wordSimilarity(a: string, b: string): number {
  const x = a.split(/\s+/).filter((w) => w !== '');
  const y = b.split(/\s+/).filter((w) => w !== '');
  if (x.length === 0 && y.length === 0) return 1;
  if (x.length === y.length && x.every((w, i) => w === y[i])) return 1;
  const counts = new Map<string, number>();
  for (const w of x) counts.set(w, (counts.get(w) ?? 0) + 1);
  let common = 0;
  for (const w of y) {
    const left = counts.get(w) ?? 0;
    if (left > 0) common++;
    counts.set(w, left - 1);
  }
  // The same words in another order are not the same text.
  return Math.min(1 - 1e-9, (2 * common) / (x.length + y.length));
}

import type { FeatureProfile } from './profile.ts';

/**
 * The features of one instance by their column's name (`input.age`, `input.text.words`), the elements of a tensor in
 * row-major order; null for an element that has no value. What the row of a prediction carries.
 */
export type FeatureValues = Record<string, (number | null)[]>;
/** A tensor of one instance: its elements, row-major, without the dimension of the batch. */
export type InstanceTensor = { name: string; isText: boolean; elements: readonly unknown[] };

/** A tensor with more elements than this has only the mean and the deviation of its elements as features. */
export const MOST_ELEMENTS = 128;
/** Mean and deviation are those of so many first elements: what a caller sends does not hold the router for long. */
export const MEASURED_ELEMENTS = 4096;
/** The features of one row have so many bytes at most, as JSON: a tensor that does not fit is left out. */
export const MAX_FEATURES_BYTES = 16 * 1024;
/** Words and shares of a text are those of so many first characters. */
const MEASURED_CHARACTERS = 4096;
const CODED_CHARACTERS = 256;
const NUMBER_BYTES = 25;
/** A name that is written as it is: no control character, quotation mark, backslash or lone surrogate. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a name must not have
const PLAIN_NAME = /^[^\0-\x1f"\\\ud800-\udfff]{1,128}$/u;

/** What is measured of a text, beside its code. */
const TEXT_MEASURES = ['bytes', 'words', 'digit_share', 'upper_share', 'links'] as const;
type TextMeasure = (typeof TEXT_MEASURES)[number];

/** The column of a feature: where a row has its values. */
export const columnOf = (side: 'input' | 'output', tensor: string, measure: FeatureProfile['measure']): string =>
  measure === 'value' ? `${side}.${tensor}` : `${side}.${tensor}.${measure}`;

/**
 * The features of an instance: of a numeric tensor its elements (`input.x`), of one with more than 128 elements their
 * mean and standard deviation (`input.x.mean`); of a text its size and shape (`input.text.bytes`, …) and its code. At
 * most 16 KiB of JSON; tensors that do not fit, or whose name cannot be written plainly, are left out. Pure.
 */
export function featuresOf(side: 'input' | 'output', tensors: Iterable<InstanceTensor>): FeatureValues {
  const found: FeatureValues = Object.create(null);
  let bytes = 2;
  for (const { name, isText, elements } of tensors) {
    if (!PLAIN_NAME.test(name) || elements.length === 0) continue;
    const columns = isText ? textColumns(elements) : numericColumns(elements);
    const named = columns.map(([measure, values]) => [columnOf(side, name, measure), values] as const);
    const more = named.reduce(
      (sum, [key, values]) => sum + Buffer.byteLength(key) + 6 + NUMBER_BYTES * values.length,
      0,
    );
    if (bytes + more > MAX_FEATURES_BYTES) continue;
    bytes += more;
    for (const [key, values] of named) found[key] = values;
  }
  return found;
}

type Columns = (readonly [FeatureProfile['measure'], (number | null)[]])[];

function numericColumns(elements: readonly unknown[]): Columns {
  const values = elements.slice(0, MEASURED_ELEMENTS).map(numberOf);
  if (values.length <= MOST_ELEMENTS) return [['value', values]];
  let [n, sum] = [0, 0];
  for (const x of values)
    if (x !== null) {
      n++;
      sum += x;
    }
  const mean = n > 0 ? sum / n : null;
  let squares = 0;
  if (mean !== null) for (const x of values) if (x !== null) squares += (x - mean) ** 2;
  return [
    ['mean', [numberOf(mean)]],
    ['deviation', [mean === null ? null : numberOf(Math.sqrt(squares / n))]],
  ];
}

/** An element as a number that 32 bits can hold; null when it is none. A truth value is 1 or 0. */
function numberOf(x: unknown): number | null {
  const digits = x !== null && typeof x === 'object' ? (x as { digits?: unknown }).digits : undefined;
  const value = typeof x === 'boolean' || typeof x === 'bigint' || typeof digits === 'string' ? Number(digits ?? x) : x;
  return typeof value === 'number' && Number.isFinite(Math.fround(value)) ? value : null;
}

function textColumns(elements: readonly unknown[]): Columns {
  const texts = elements.slice(0, MOST_ELEMENTS).map(textOf);
  const measured = texts.map((t) => (t === null ? null : textMeasures(t)));
  return [
    ...TEXT_MEASURES.map((m) => [m, measured.map((of) => of?.[m] ?? null)] as const),
    ['code', texts.map((t) => (t === null || t === '' ? null : codeOf(t)))],
  ];
}

/** An element as text: what is no scalar, as JSON; null when it nests too deep for that. */
export function textOf(x: unknown): string | null {
  if (x === null || x === undefined) return null;
  if (typeof x !== 'object') return String(x);
  const { digits } = x as { digits?: unknown };
  if (typeof digits === 'string') return digits;
  try {
    return JSON.stringify(x);
  } catch {
    return null;
  }
}

/** Size and shape of a text; `bytes` is of all of it, the others of its first 4,096 characters. */
export function textMeasures(text: string): Record<TextMeasure, number> {
  const end = Math.min(text.length, MEASURED_CHARACTERS);
  let [words, digits, uppers, links] = [0, 0, 0, 0];
  let isInWord = false;
  for (let i = 0; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x20 || (c >= 0x09 && c <= 0x0d)) {
      isInWord = false;
      continue;
    }
    if (!isInWord) words++;
    isInWord = true;
    if (c >= 0x30 && c <= 0x39) digits++;
    else if (c >= 0x41 && c <= 0x5a) uppers++;
    else if (c === 0x68 && text.startsWith('http', i)) links++;
  }
  const share = (n: number) => Math.round((1e5 * n) / Math.max(1, end)) / 1e5;
  return { bytes: Buffer.byteLength(text), words, digit_share: share(digits), upper_share: share(uppers), links };
}

/**
 * A text as a number of 24 bits, by which categories are told apart: FNV-1a over its first 256 UTF-16 units and its
 * length. Of 50 categories some two have one code with a probability below 10⁻⁴.
 */
export function codeOf(text: string): number {
  let hash = 0x811c9dc5 ^ text.length;
  for (let i = 0; i < text.length && i < CODED_CHARACTERS; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return ((hash >>> 24) ^ hash) & 0xffffff;
}

/** The first leaves of a list that may be nested, row-major. */
export function leavesOf(data: unknown, most: number): unknown[] {
  const found: unknown[] = [];
  collect(data, most, found, 16);
  return found;
}

function collect(data: unknown, most: number, into: unknown[], depth: number): void {
  if (!Array.isArray(data) || depth === 0) {
    into.push(data);
    return;
  }
  for (const x of data) {
    if (into.length >= most) return;
    if (Array.isArray(x)) collect(x, most, into, depth - 1);
    else into.push(x);
  }
}

/** How many elements one instance has in a tensor of that shape; the first dimension is the batch. */
export const widthOf = (shape: readonly number[]): number => shape.slice(1).reduce((a, b) => a * b, 1);

/** The values of a categorical feature's categories in its column. */
export const codesOf = (feature: Extract<FeatureProfile, { kind: 'categorical' }>): number[] =>
  feature.categories.map((c) => (feature.measure === 'code' ? codeOf(c) : Math.fround(Number(c))));

/**
 * Counts values of a feature's column by bin. Values are compared as numbers of 32 bits, as ClickHouse keeps them.
 * @param values one for each row; null and NaN are missing
 */
export function countBins(feature: FeatureProfile, values: ArrayLike<number | null>): number[] {
  const counts = new Float64Array(feature.counts.length);
  const missing = counts.length - 1;
  const cuts = feature.kind === 'numeric' ? new Cuts(feature.edges) : undefined;
  const bins = feature.kind === 'categorical' ? new Map(codesOf(feature).map((code, i) => [code, i])) : undefined;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === null || value === undefined || Number.isNaN(value)) {
      counts[missing] = (counts[missing] as number) + 1;
      continue;
    }
    const x = Math.fround(value);
    const bin = cuts ? cuts.bin(x) : (bins?.get(x) ?? missing - 1);
    counts[bin] = (counts[bin] as number) + 1;
  }
  return Array.from(counts);
}

/** Cells of the grid over the edges: most have no edge in them, so that a value takes one comparison. */
const CELLS = 256;

/** The edges of a numeric feature, ascending, with a grid that tells where to begin to compare. */
class Cuts {
  private readonly edges: Float32Array;
  private readonly begins = new Uint8Array(CELLS + 1);
  private readonly least: number;
  private readonly perUnit: number;

  constructor(edges: readonly number[]) {
    this.edges = Float32Array.from(edges).sort();
    this.least = this.edges[0] ?? 0;
    const width = (this.edges.at(-1) ?? 0) - this.least;
    this.perUnit = width > 0 ? CELLS / width : 0;
    // From one cell below, so that a value that rounding puts into the next cell is not beyond its edge.
    for (let cell = 2; cell <= CELLS; cell++)
      this.begins[cell] = this.edges.filter((e) => (e - this.least) * this.perUnit < cell - 1).length;
  }

  /** How many edges are below a number of 32 bits. */
  bin(x: number): number {
    const at = (x - this.least) * this.perUnit;
    let bin = at >= CELLS ? (this.begins[CELLS] as number) : at > 0 ? (this.begins[at | 0] as number) : 0;
    while (bin < this.edges.length && x > (this.edges[bin] as number)) bin++;
    return bin;
  }
}

/**
 * The closed list of error codes for invalid input. `no_answer`: each value is possible, but for their combination the
 * result is undefined.
 */
export type StatsErrorCode =
  | 'not_finite'
  | 'not_a_count'
  | 'empty_arm'
  | 'inconsistent_moments'
  | 'invalid_weights'
  | 'out_of_range'
  | 'length_mismatch'
  | 'no_answer';

/** Thrown for input without a valid answer; `code` is the reason, and the message names the field. */
export class StatsError extends RangeError {
  override name = 'StatsError';
  readonly code: StatsErrorCode;
  constructor(code: StatsErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export function requireFinite(name: string, ...values: number[]): void {
  for (const v of values)
    if (!Number.isFinite(v)) throw new StatsError('not_finite', `${name} must be finite, not ${v}`);
}
export function requireCount(name: string, ...values: number[]): void {
  for (const v of values)
    if (!Number.isInteger(v) || v < 0)
      throw new StatsError('not_a_count', `${name} must be a whole number ≥ 0, not ${v}`);
}
export function requireOpenUnit(name: string, value: number): void {
  if (!(value > 0 && value < 1)) throw new StatsError('out_of_range', `${name} must lie in (0, 1), not ${value}`);
}

/**
 * Whether a value contains NaN, or a list a hole. Samples, counts and plain objects are searched; running evidence is
 * not, since it checks its own input. Called at every call, so it allocates nothing.
 */
function holdsNaN(value: unknown): boolean {
  if (typeof value === 'number') return Number.isNaN(value);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (value[i] === undefined || holdsNaN(value[i])) return true;
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const k in value) if (holdsNaN((value as Record<string, unknown>)[k])) return true;
  }
  return false;
}

/** The path of that NaN. */
function nanAt(value: unknown, path: string): string | undefined {
  if (typeof value === 'number') return Number.isNaN(value) ? path : undefined;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (value[i] === undefined) return `${path}[${i}]`;
      const found = nanAt(value[i], `${path}[${i}]`);
      if (found !== undefined) return found;
    }
  } else if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    for (const [k, x] of Object.entries(value)) {
      const found = nanAt(x, `${path}.${k}`);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/**
 * The wrapper of every public function: refuses NaN among the arguments by name, and never returns NaN. Errors that the
 * function itself detects come first.
 *
 * @throws StatsError not_finite, no_answer
 */
export function sound<A extends unknown[], R>(name: string, f: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    for (let i = 0; i < args.length; i++)
      if (holdsNaN(args[i]))
        throw new StatsError('not_finite', `${name}: ${nanAt(args[i], `argument ${i + 1}`)} is not a number`);
    const result = f(...args);
    if (holdsNaN(result))
      throw new StatsError(
        'no_answer',
        `${name}: ${nanAt(result, 'the result')} is undefined for ${JSON.stringify(args).slice(0, 300)}`,
      );
    return result;
  };
}

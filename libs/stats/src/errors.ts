/** Codes of what may be wrong with statistics that are handed in. The one closed list. */
export type StatsErrorCode = 'not_finite' | 'not_a_count' | 'empty_arm' | 'inconsistent_moments' | 'invalid_weights' | 'out_of_range' | 'length_mismatch';

/** Input that no honest answer can be given for; `code` says why, the message names the field. */
export class StatsError extends RangeError {
  override name = 'StatsError';
  readonly code: StatsErrorCode;
  constructor(code: StatsErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export function requireFinite(name: string, ...values: number[]): void {
  for (const v of values) if (!Number.isFinite(v)) throw new StatsError('not_finite', `${name} must be finite, not ${v}`);
}
export function requireCount(name: string, ...values: number[]): void {
  for (const v of values) if (!Number.isInteger(v) || v < 0) throw new StatsError('not_a_count', `${name} must be a whole number ≥ 0, not ${v}`);
}
export function requireOpenUnit(name: string, value: number): void {
  if (!(value > 0 && value < 1)) throw new StatsError('out_of_range', `${name} must lie in (0, 1), not ${value}`);
}

/** A result that cannot be given yet: what is missing, in units. */
export type InsufficientData = { state: 'insufficient_data'; missing: { what: string; have: number; need: number }[] };

import { type Datatype, isWide, type RowTensor } from '@slipway/model';
import { WideInteger } from './exact-json.ts';

type Range = { least: bigint; most: bigint };

/**
 * Describes the value found in place of a number for an error message. The contents of a list or object are left out,
 * since they may be nested too deeply to be written.
 */
function said(given: unknown): string {
  if (Array.isArray(given)) return 'a list';
  return given !== null && typeof given === 'object' ? 'an object' : JSON.stringify(given);
}
/** Most digits of a 64-bit integer; longer ones are refused without being parsed. */
const MOST_DIGITS = 21;

function rangeOf(datatype: Datatype): Range | undefined {
  const match = /^(U?)INT(8|16|32|64)$/.exec(datatype);
  if (!match) return undefined;
  const bits = BigInt(match[2] as string);
  return match[1]
    ? { least: 0n, most: 2n ** bits - 1n }
    : { least: -(2n ** (bits - 1n)), most: 2n ** (bits - 1n) - 1n };
}

/**
 * Converts JSON elements to a tensor `[rows, ...tail]` of a numeric datatype. Every integer is kept exactly or refused.
 * @param refuse throws; called with the element's index and what is wrong with it
 */
export function numericTensor(
  datatype: Datatype,
  rows: number,
  tail: readonly number[],
  data: readonly unknown[],
  refuse: (index: number, message: string) => never,
): RowTensor {
  const common = { rows, width: tail.reduce((a, b) => a * b, 1), tail };
  const range = rangeOf(datatype);
  if (isWide(datatype)) {
    const values = datatype === 'UINT64' ? new BigUint64Array(data.length) : new BigInt64Array(data.length);
    for (let i = 0; i < data.length; i++) values[i] = wide(datatype, data[i], range as Range, (m) => refuse(i, m));
    return { kind: 'integer', ...common, values };
  }
  const values = datatype === 'FP32' ? new Float32Array(data.length) : new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const given = data[i] instanceof WideInteger ? Number((data[i] as WideInteger).digits) : data[i];
    const x = datatype === 'BOOL' && typeof given === 'boolean' ? Number(given) : given;
    if (typeof x !== 'number' || !Number.isFinite(x)) return refuse(i, `must be a finite number, not ${said(given)}`);
    if (datatype === 'BOOL' && x !== 0 && x !== 1) refuse(i, `must be true or false, not ${x}`);
    if (datatype === 'FP32' && !Number.isFinite(Math.fround(x))) refuse(i, `${x} is beyond FP32`);
    if (range && !Number.isInteger(x)) refuse(i, 'must be a whole number');
    if (range && (x < Number(range.least) || x > Number(range.most)))
      refuse(i, `${x} is beyond ${datatype} (${range.least} to ${range.most})`);
    values[i] = x;
  }
  return { kind: 'numeric', ...common, values };
}

function wide(datatype: Datatype, given: unknown, range: Range, refuse: (message: string) => never): bigint {
  if (given instanceof WideInteger) {
    if (given.digits.length > MOST_DIGITS)
      return refuse(
        `a number of ${given.digits.length} digits is beyond ${datatype} (${range.least} to ${range.most})`,
      );
    const x = BigInt(given.digits);
    return x < range.least || x > range.most
      ? refuse(`${x} is beyond ${datatype} (${range.least} to ${range.most})`)
      : x;
  }
  if (typeof given !== 'number' || !Number.isFinite(given))
    return refuse(`must be a finite number, not ${said(given)}`);
  if (!Number.isInteger(given)) return refuse('must be a whole number');
  if (!Number.isSafeInteger(given))
    return refuse(
      'is written as a fraction or with an exponent beyond 2^53, where that is not exact: write all digits',
    );
  return given < range.least
    ? refuse(`${given} is beyond ${datatype} (${range.least} to ${range.most})`)
    : BigInt(given);
}

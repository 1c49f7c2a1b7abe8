import { type ShadowPair, topics } from '@slipway/contracts';
import { encodeValue } from '@slipway/platform';

/** Deeper nesting exceeds the stack of a JSON writer; the router does not log deeper values either. */
const MAX_DEPTH = 256;

/** The body of an answer as JSON; its text when it is not JSON, or is nested too deeply. Pure. */
export function parseAnswer(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isDeeper(value, MAX_DEPTH) ? text : value;
  } catch {
    return text;
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== 'object') return false;
  return levels === 0 || Object.values(value).some((v) => isDeeper(v, levels - 1));
}

/**
 * An answer in the form in which it is compared. Values that some reader of the log might refuse (a number beyond a
 * double) travel as text, and the answer of a server may be the text of a document too. All are converted to the same
 * form, so that the same bytes are the same answer whichever way they came. Pure.
 */
export function asAnswer(answer: unknown): unknown {
  return typeof answer === 'string' && /^\s*[[{]/.test(answer) ? parseAnswer(answer) : answer;
}

/**
 * The longest answer of a leg in bytes. The answer that it is compared with has at most 431 KiB in the router's log
 * (MAX_LOGGED_BYTES; 256 KiB by default), and a pair must fit into a record.
 */
export const MOST_ANSWER_BYTES = 448 * 1024;

/**
 * Encodes a pair as a record of at most `maxBytes`. When it is too long, the noise leg is left out; if it is still too
 * long, all answers are left out and the pair is `failed` with reason `oversize`, which counts for neither arm. Pure.
 */
export function pairRecord(pair: ShadowPair, maxBytes: number): { pair: ShadowPair; value: string } {
  const bodiless: ShadowPair = { ...pair, result: 'failed', reason: 'oversize', control: null, candidate: null };
  const shorter: ShadowPair[] = [pair, { ...pair, noise: null }, { ...bodiless, noise: null }];
  for (const p of shorter) {
    const value = encodeValue(topics.shadowPairs, p);
    if (Buffer.byteLength(value) <= maxBytes) return { pair: p, value };
  }
  throw new Error(`a shadow pair without answers has more than ${maxBytes} bytes`);
}

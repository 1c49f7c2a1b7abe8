import { type ShadowPair, topics } from '@slipway/contracts';
import { encodeValue } from '@slipway/platform';

/** Deeper nesting is more than a JSON writer's stack takes; the router logs no deeper either. */
const MAX_DEPTH = 256;

/** The body of an answer as JSON; its text where it is none, or is nested too deeply. Pure. */
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
 * An answer as it is compared. What some reader of the log might refuse (a number beyond a double) travels as its text,
 * and the answer of a server may be the text of a document too: all are taken for what they say, so that the same bytes
 * are the same answer whichever way they came. Pure.
 */
export function asAnswer(answer: unknown): unknown {
  return typeof answer === 'string' && /^\s*[[{]/.test(answer) ? parseAnswer(answer) : answer;
}

/**
 * The longest answer of a leg, bytes: the answer that it is compared with has 431 KiB at most in the router's log
 * (MAX_LOGGED_BYTES; 256 KiB unless configured), and a pair must fit into a record.
 */
export const MOST_ANSWER_BYTES = 448 * 1024;

/**
 * A pair as the text of its record, of at most `maxBytes`: what is too long goes without the noise leg, and else
 * without any answer, as `failed` for `oversize`, which is nobody's fault. Pure.
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

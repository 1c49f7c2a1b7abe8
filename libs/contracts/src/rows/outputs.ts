import { jsonBytes } from '@slipway/core';

/** For an output with several elements: how many are kept, and how many bytes of their JSON. */
const MOST_ELEMENTS = 64;
const MOST_TEXT_BYTES = 8192;
/** Limit on the size of all outputs of one row, in bytes of JSON; outputs beyond it are left out. */
export const MAX_OUTPUTS_BYTES = 32 * 1024;

/**
 * The outputs of an answer as a prediction row stores them: a single element as its value, several as a JSON list; of a
 * long one the first elements (at most 64, and 8 KiB) and the number of all elements: `[0.1,…] of 1000`. A single
 * element of more than 8 KiB is `[] of 1`, a list, which is not compared with outcomes.
 *
 * @param outputs name and elements of each output, in the answer's order
 */
export function rowOutputs(outputs: Iterable<readonly [string, readonly unknown[]]>): Record<string, string> {
  const kept: Record<string, string> = Object.create(null);
  let bytes = 0;
  for (const [name, elements] of outputs) {
    const text = outputText(elements);
    bytes += jsonBytes(name) + jsonBytes(text) + 2;
    if (bytes > MAX_OUTPUTS_BYTES) break;
    kept[name] = text;
  }
  return kept;
}

function outputText(elements: readonly unknown[]): string {
  if (elements.length === 1) {
    const plain = typeof elements[0] === 'string' ? elements[0] : JSON.stringify(elements[0] ?? null);
    return Buffer.byteLength(plain) > MOST_TEXT_BYTES ? '[] of 1' : plain;
  }
  const first: string[] = [];
  let bytes = 1;
  for (const element of elements.slice(0, MOST_ELEMENTS)) {
    const json = JSON.stringify(element ?? null);
    bytes += Buffer.byteLength(json) + 1;
    if (bytes > MOST_TEXT_BYTES) break;
    first.push(json);
  }
  return `[${first.join(',')}]${first.length === elements.length ? '' : ` of ${elements.length}`}`;
}

/**
 * An answer as it is compared. What some reader of the log might refuse (a number beyond a double) travels as its text,
 * and the answer of a server may be the text of a document too: all are taken for what they say, so that the same bytes
 * are the same answer whichever way they came. Pure.
 */
export function asAnswer(answer: unknown): unknown {
  if (typeof answer !== 'string' || !/^\s*[[{]/.test(answer)) return answer;
  try {
    return JSON.parse(answer);
  } catch {
    return answer;
  }
}

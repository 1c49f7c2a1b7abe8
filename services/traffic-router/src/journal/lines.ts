export const NEWLINE = 10;

/** The number of lines that end in `bytes`. */
export function newlines(bytes: Buffer): number {
  let n = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) n++;
  return n;
}

/** The lines of a chunk that ends with a newline, without their newlines. */
export function lines(chunk: Buffer): Buffer[] {
  const out: Buffer[] = [];
  for (let start = 0; start < chunk.length; ) {
    const end = chunk.indexOf(NEWLINE, start);
    out.push(chunk.subarray(start, end));
    start = end + 1;
  }
  return out;
}

const NEWLINE = 10;
const SPACES = new Set([0x20, 0x09, 0x0d]);

/**
 * Gives the lines of bytes that come in pieces, without their newlines. @param mostBytes what is longer is cut off
 * there: a file may be one line of gigabytes
 */
export async function eachLine(
  chunks: AsyncIterable<Buffer>,
  mostBytes: number,
  give: (line: Buffer) => void,
): Promise<void> {
  let begun: Buffer[] = [];
  let bytes = 0;
  const take = (part: Buffer) => {
    if (bytes < mostBytes) begun.push(part.subarray(0, mostBytes - bytes));
    bytes += part.length;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const part = chunk.subarray(from, end);
      if (bytes === 0) give(part.subarray(0, mostBytes));
      else {
        take(part);
        give(Buffer.concat(begun));
        begun = [];
        bytes = 0;
      }
      from = end + 1;
    }
    if (from < chunk.length) take(chunk.subarray(from));
  }
  if (bytes > 0) give(Buffer.concat(begun));
}

/** Whether a line has nothing but white space. */
export const isBlank = (line: Buffer): boolean => line.every((byte) => SPACES.has(byte));

/** A streamed answer once it has ended: what is kept of it for its row, and how it ended. */
export type Streamed = {
  /** All of it, or its beginning when it is longer than what is kept. */
  kept: Buffer;
  bytes: number;
  /** SHA-256 of all of it, in hexadecimal. */
  digest: string;
  /** `''` when it came to its end; `broken`: its target gave up; `left`: its caller did. */
  ended: '' | 'broken' | 'left';
};

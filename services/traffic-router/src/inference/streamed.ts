/** A streamed answer after its end: what was kept of it for its row, and how it ended. */
export type Streamed = {
  /** All of it, or its beginning when it is longer than what is kept. */
  kept: Buffer;
  bytes: number;
  /** SHA-256 of all of it, in hexadecimal. */
  digest: string;
  /** `''` when it is complete; `broken`: its target broke off; `left`: its caller disconnected. */
  ended: '' | 'broken' | 'left';
};

/**
 * Random bytes, made many at a time: a call into the system for each id costs more than the id. Bytes are given out
 * once, and those that were given stay as they are. Pure but for `fill`.
 */
export class RandomPool {
  private readonly fill: (bytes: Buffer) => unknown;
  private readonly size: number;
  private pool = Buffer.alloc(0);
  private given = 0;

  /** @param fill with bytes that nobody can foresee: `randomFillSync` of `node:crypto` */
  constructor(fill: (bytes: Buffer) => unknown, size = 8192) {
    this.fill = fill;
    this.size = size;
  }

  /** As `randomBytes` of `node:crypto`. */
  readonly take = (size: number): Buffer => {
    if (this.given + size > this.pool.length) {
      this.pool = Buffer.alloc(Math.max(this.size, size));
      this.fill(this.pool);
      this.given = 0;
    }
    this.given += size;
    return this.pool.subarray(this.given - size, this.given);
  };
}

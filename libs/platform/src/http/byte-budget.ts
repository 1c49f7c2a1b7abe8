/**
 * A limit on the bytes of all requests under way. A limit on their number would not bound memory: a thousand small
 * requests need little, a thousand of the largest need gigabytes. Pure.
 */
export class ByteBudget {
  readonly most: number;
  used = 0;
  constructor(most: number) {
    this.most = most;
  }

  /** Whether this many more bytes fit. A single request alone always fits: its size is limited elsewhere. */
  fits(bytes: number): boolean {
    return this.used === 0 || this.used + bytes <= this.most;
  }

  hold(): HeldBytes {
    return new HeldBytes(this);
  }
}

/** The part of a budget that one request holds until it is released. */
export class HeldBytes {
  private readonly budget: ByteBudget;
  private held = 0;
  private released = false;
  constructor(budget: ByteBudget) {
    this.budget = budget;
  }

  /** Whether this many more bytes fit, in addition to those held. */
  fits(bytes: number): boolean {
    return this.budget.used === this.held || this.budget.fits(bytes);
  }

  /** @returns false, with nothing taken, when they do not fit */
  take(bytes: number): boolean {
    if (this.released || !this.fits(bytes)) return false;
    this.held += bytes;
    this.budget.used += bytes;
    return true;
  }

  /** Takes bytes that exist already, whether or not they fit. Does nothing after the release. */
  add(bytes: number): void {
    if (this.released) return;
    this.held += bytes;
    this.budget.used += bytes;
  }

  release(): void {
    this.released = true;
    this.budget.used -= this.held;
    this.held = 0;
  }
}

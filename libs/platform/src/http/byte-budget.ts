/**
 * Bytes that may be under way at once, over all requests. Counting requests bounds no memory: a thousand small ones are
 * nothing, a thousand of the largest are gigabytes. Pure.
 */
export class ByteBudget {
  readonly most: number;
  used = 0;
  constructor(most: number) {
    this.most = most;
  }

  /** Whether so many more would go. Whoever is alone may have what it wants: the size of one is bounded elsewhere. */
  fits(bytes: number): boolean {
    return this.used === 0 || this.used + bytes <= this.most;
  }

  hold(): HeldBytes {
    return new HeldBytes(this);
  }
}

/** What one request holds of a budget, until it is released. */
export class HeldBytes {
  private readonly budget: ByteBudget;
  private held = 0;
  private released = false;
  constructor(budget: ByteBudget) {
    this.budget = budget;
  }

  /** Whether so many more would go, beside what this one holds. */
  fits(bytes: number): boolean {
    return this.budget.used === this.held || this.budget.fits(bytes);
  }

  /** @returns false, and nothing more is held, when they do not go */
  take(bytes: number): boolean {
    if (this.released || !this.fits(bytes)) return false;
    this.held += bytes;
    this.budget.used += bytes;
    return true;
  }

  /** Takes so many whether they go or not: what exists already. Nothing when it was released. */
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

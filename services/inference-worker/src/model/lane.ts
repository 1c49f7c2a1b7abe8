/** Runs at most this many tasks at once; the others wait in order. */
export class Lane {
  private readonly width: number;
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  constructor(width: number) {
    this.width = width;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= this.width) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running++;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running--;
    }
  }
}

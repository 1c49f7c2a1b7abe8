/** Seeded: xoshiro128** from a splitmix of the seed. Uniform, normal, Poisson and binomial variates. */
export class Random {
  private readonly s = new Uint32Array(4);
  private spare: number | undefined;

  constructor(seed: number) {
    let x = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e3779b9) >>> 0;
      let z = x;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.s[i] = (z ^ (z >>> 16)) >>> 0;
    }
  }

  uniform(): number {
    const s = this.s;
    const r = Math.imul((Math.imul(s[1] as number, 5) << 7) | (Math.imul(s[1] as number, 5) >>> 25), 9) >>> 0;
    const t = (s[1] as number) << 9;
    s[2] = (s[2] as number) ^ (s[0] as number);
    s[3] = (s[3] as number) ^ (s[1] as number);
    s[1] = (s[1] as number) ^ (s[2] as number);
    s[0] = (s[0] as number) ^ (s[3] as number);
    s[2] = (s[2] as number) ^ t;
    s[3] = ((s[3] as number) << 11) | ((s[3] as number) >>> 21);
    return (r + 0.5) / 4294967296;
  }

  normal(): number {
    if (this.spare !== undefined) {
      const x = this.spare;
      this.spare = undefined;
      return x;
    }
    const r = Math.sqrt(-2 * Math.log(this.uniform()));
    const a = 2 * Math.PI * this.uniform();
    this.spare = r * Math.sin(a);
    return r * Math.cos(a);
  }

  /** By multiplication below 30, else rounded normal (good to a fraction of its standard deviation). */
  poisson(mean: number): number {
    if (mean <= 0) return 0;
    if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.normal()));
    const limit = Math.exp(-mean);
    let n = 0;
    for (let p = this.uniform(); p > limit; p *= this.uniform()) n++;
    return n;
  }

  binomial(n: number, p: number): number {
    if (n <= 0 || p <= 0) return 0;
    if (p >= 1) return n;
    if (n < 40) {
      let k = 0;
      for (let i = 0; i < n; i++) if (this.uniform() < p) k++;
      return k;
    }
    if (n * p < 30) return Math.min(n, this.poissonLike(n, p));
    if (n * (1 - p) < 30) return n - Math.min(n, this.poissonLike(n, 1 - p));
    return Math.min(n, Math.max(0, Math.round(n * p + Math.sqrt(n * p * (1 - p)) * this.normal())));
  }

  /** Exact for rare events: geometric gaps. */
  private poissonLike(n: number, p: number): number {
    const log = Math.log1p(-p);
    let k = 0;
    for (let i = Math.floor(Math.log(this.uniform()) / log); i < n; i += 1 + Math.floor(Math.log(this.uniform()) / log))
      k++;
    return k;
  }
}

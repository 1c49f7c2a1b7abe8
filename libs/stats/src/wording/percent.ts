/** A share in words: two decimals below 10 %, else one; `n/a` where there is none. */
export function percent(x: number | null | undefined): string {
  return x === null || x === undefined ? 'n/a' : `${(100 * x).toFixed(Math.abs(x) < 0.1 ? 2 : 1)} %`;
}

/**
 * The point where an increasing function crosses a level, by bisection to the precision of doubles.
 * @param f increasing on [low, high]
 */
export function invertIncreasing(f: (x: number) => number, level: number, low: number, high: number): number {
  let a = low;
  let b = high;
  for (let i = 0; i < 400; i++) {
    const middle = a > 0 && b / a > 4 ? Math.sqrt(a * b) : (a + b) / 2;
    if (middle === a || middle === b) break;
    if (f(middle) < level) a = middle;
    else b = middle;
  }
  return (a + b) / 2;
}

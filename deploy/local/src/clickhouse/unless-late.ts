/** The result of `work`; `late` is called when there is none after `ms`. */
export function unlessLate<T>(work: Promise<T>, ms: number, late: () => void): Promise<T> {
  const timer = setTimeout(late, ms);
  return work.finally(() => clearTimeout(timer));
}

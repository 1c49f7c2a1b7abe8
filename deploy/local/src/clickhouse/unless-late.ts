/** What `work` gives; `late` is called when it has given nothing after `ms`. */
export function unlessLate<T>(work: Promise<T>, ms: number, late: () => void): Promise<T> {
  const timer = setTimeout(late, ms);
  return work.finally(() => clearTimeout(timer));
}

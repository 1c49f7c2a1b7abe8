import type { Numbers, Step } from './kind.ts';

/** Microseconds as milliseconds. */
export const ms = (us: number) => `${(us / 1000).toFixed(us < 10_000 ? 2 : us < 100_000 ? 1 : 0)} ms`;

/** So many times what the step has taken so far. */
export const inSeconds = (times: number, step: Step): string =>
  `${Math.ceil(times * Math.max(1, step.activeSeconds))} s`;

/**
 * The declared limit, whether it is kept, and by which figures that was seen.
 * @param of all figures of the kind, and what to say of those that are too few; `named` where there are several
 */
export function allowed(
  n: Numbers,
  better: 'lower' | 'higher',
  of: { figures: readonly string[]; tooFew: (left: readonly string[]) => string; named?: boolean },
): string {
  const side = better === 'lower' ? 'at most' : 'at least';
  return ` (allowed ${side} ×${n.margin}: ${n.limit}${comparison(n, of)})`;
}

/** Which figures were compared with the limit and which were not; nothing where that goes without saying. */
function comparison(n: Numbers, { figures, tooFew, named = false }: Parameters<typeof allowed>[2]): string {
  if (n.role !== 'guardrail' || n.limit === 'proven broken' || n.limit === 'proven kept') return '';
  if (n.margin === 1) return '; no figure is compared with a limit of ×1, which the evidence alone judges';
  const left = figures.filter((f) => !n.compared.includes(f));
  const made = named ? `; compared: ${n.compared.join(', ')}` : '';
  const beyond =
    n.beyond.length > 0 && n.beyond.length < n.compared.length ? `, beyond it: ${n.beyond.join(', ')}` : '';
  return `${n.compared.length > 0 ? `${made}${beyond}` : ''}${left.length > 0 ? `; ${tooFew(left)}` : ''}`;
}

import type { Numbers, Step } from './kind.ts';

/** Microseconds as milliseconds. */
export const ms = (us: number) => `${(us / 1000).toFixed(us < 10_000 ? 2 : us < 100_000 ? 1 : 0)} ms`;

/** A multiple of the step's time so far, in seconds. */
export const inSeconds = (times: number, step: Step): string =>
  `${Math.ceil(times * Math.max(1, step.activeSeconds))} s`;

/**
 * The declared limit, whether it is kept, and which figures were compared with it.
 * @param of all figures of the kind, and the text for those with too few data; `named` when there are several
 */
export function allowed(
  n: Numbers,
  better: 'lower' | 'higher',
  of: { figures: readonly string[]; tooFew: (left: readonly string[]) => string; named?: boolean },
): string {
  const side = better === 'lower' ? 'at most' : 'at least';
  return ` (allowed ${side} ×${n.margin}: ${n.limit}${comparison(n, of)})`;
}

/** Which figures were compared with the limit and which were not; empty when that is obvious. */
function comparison(n: Numbers, { figures, tooFew, named = false }: Parameters<typeof allowed>[2]): string {
  if (n.role !== 'guardrail' || n.limit === 'proven broken' || n.limit === 'proven kept') return '';
  if (n.margin === 1) return '; a limit of ×1 is judged by the evidence only, not by comparing figures';
  const left = figures.filter((f) => !n.compared.includes(f));
  const made = named ? `; compared: ${n.compared.join(', ')}` : '';
  const beyond =
    n.beyond.length > 0 && n.beyond.length < n.compared.length ? `, beyond it: ${n.beyond.join(', ')}` : '';
  return `${n.compared.length > 0 ? `${made}${beyond}` : ''}${left.length > 0 ? `; ${tooFew(left)}` : ''}`;
}

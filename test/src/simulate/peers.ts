import type { Outcome } from './play.ts';
import type { Run } from './stream.ts';

type Minute = { n: number; err: number; slow: number };
/** What a rule says after each minute of the candidate's own traffic. */
type Rule = () => (minute: Minute) => 'fine' | 'failed' | 'rollBack';

/**
 * Flagger's defaults: each minute at least 99 % success and a p99 of at most 500 ms; the fifth failed check rolls back;
 * a minute without traffic is a failed check.
 */
const flagger: Rule = () => {
  let failed = 0;
  return ({ n, err, slow }) => {
    if (n > 0 && 1 - err / n >= 0.99 && slow / n <= 0.01) return 'fine';
    return ++failed >= 5 ? 'rollBack' : 'failed';
  };
};

/** Argo Rollouts' example: at least 95 % success each minute; the fourth failed measurement aborts (failureLimit 3). */
const argo: Rule = () => {
  let failed = 0;
  return ({ n, err }) => {
    if (n === 0 || 1 - err / n >= 0.95) return 'fine';
    return ++failed > 3 ? 'rollBack' : 'failed';
  };
};

function play(rule: Rule): (run: Run) => Outcome {
  return ({ meta, seconds, last }) => {
    const check = rule();
    let step = 0;
    let since = 0;
    let minute: Minute = { n: 0, err: 0, slow: 0 };
    const weights: [number, number][] = [[0, meta.steps[0] as number]];
    for (let t = 0; t <= last; t++) {
      for (const c of seconds[t] ?? []) {
        if (c.stratum > step || !c.candidate) continue;
        minute.n += c.candidate.n;
        minute.err += c.candidate.err;
        minute.slow += c.candidate.over.c500 ?? 0;
      }
      if ((t + 1) % 60 !== 0) continue;
      const said = check(minute);
      minute = { n: 0, err: 0, slow: 0 };
      if (said === 'rollBack') return { verdict: 'rolledBack', second: t, weights: [...weights, [t, 0]] };
      // A failed check does not advance.
      if (said !== 'fine' || t + 1 - since < meta.dwell_s) continue;
      if (step === meta.steps.length - 1) return { verdict: 'promoted', second: t + 1, weights };
      step++;
      since = t + 1;
      weights.push([t + 1, meta.steps[step] as number]);
    }
    return { verdict: 'held', second: last + 1, weights };
  };
}

export const peers: Record<string, (run: Run) => Outcome> = { Flagger: play(flagger), 'Argo Rollouts': play(argo) };

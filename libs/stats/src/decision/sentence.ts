import { sound } from '../errors.ts';
import type { Figure, GuardrailNumbers, Judgement } from './judgement.ts';
import { MIN_REQUESTS } from './missing.ts';

function percent(x: number | null | undefined): string {
  return x === null || x === undefined ? 'n/a' : `${(100 * x).toFixed(x < 0.1 ? 2 : 1)} %`;
}
function eText(e: number): string {
  return e >= 1e6 ? e.toExponential(1) : e.toFixed(e < 10 ? 2 : 0);
}

const count = (n: number, one: string, more: string) => `${n} ${n === 1 ? one : more}`;

const ms = (us: number) => `${(us / 1000).toFixed(us < 10_000 ? 2 : us < 100_000 ? 1 : 0)} ms`;

/** A guardrail's figures of both arms in its own unit, its limit, and how they stand to each other. */
function versus(g: GuardrailNumbers): string {
  if (g.candidate && g.control) {
    const rate = (arm: NonNullable<typeof g.candidate>) => `${percent(arm.rate)} (${arm.events} of ${arm.units})`;
    const limit = g.role === 'guardrail' && g.direction ? allowed(g, g.direction, ['rate']) : '';
    return `${g.metric} ${rate(g.candidate)} against the control's ${rate(g.control)}${limit}`;
  }
  const { candidate, control } = g.quantiles ?? {};
  if (!candidate || !control) return `${g.metric} (no answers of both arms in this step)`;
  const pair = (q: 'p50' | 'p90' | 'p99') => `${q} ${ms(candidate[q])} against ${ms(control[q])}`;
  const quantiles = ['p50', 'p90', 'p99'] as const;
  return `${g.metric} ${quantiles.map(pair).join(', ')}${allowed(g, 'lower', quantiles)}`;
}

/** The declared limit, whether it is kept, and by which figures that was seen. */
function allowed(g: GuardrailNumbers, better: 'lower' | 'higher', figures: readonly Figure[]): string {
  const side = better === 'lower' ? 'at most' : 'at least';
  return ` (allowed ${side} ×${g.margin}: ${g.limit}${comparison(g, figures)})`;
}

/** Which figures were compared with the limit and which were not; nothing where that goes without saying. */
function comparison(g: GuardrailNumbers, figures: readonly Figure[]): string {
  if (g.role !== 'guardrail' || g.limit === 'proven broken' || g.limit === 'proven kept') return '';
  if (g.margin === 1) return '; no figure is compared with a limit of ×1, which the evidence alone judges';
  const left = figures.filter((f) => !g.compared.includes(f));
  const rates = figures.includes('rate');
  const tooFew = rates ? 'too few events to compare the rates' : `too few answers to compare ${left.join(', ')}`;
  const made = rates ? '' : `; compared: ${g.compared.join(', ')}`;
  const beyond =
    g.beyond.length > 0 && g.beyond.length < g.compared.length ? `, beyond it: ${g.beyond.join(', ')}` : '';
  return `${g.compared.length > 0 ? `${made}${beyond}` : ''}${left.length > 0 ? `; ${tooFew}` : ''}`;
}

/** One plain sentence for people: the verdict, and the numbers that carry it. */
export const describe = sound(
  'describe',
  (verdict: Judgement['verdict'], reasons: readonly string[], n: Judgement['numbers']): string => {
    const { step } = n;
    const { candidate, control } = step.totals;
    const requests = `${candidate.requests} candidate and ${control.requests} control requests`;
    const seen = `${requests} in step ${step.index} at ${percent(step.weight)}`;
    const byName = new Map(n.guardrails.map((g) => [g.metric, g]));
    if (verdict === 'rollBack') {
      if (reasons[0] === 'gross_failure') return `Roll back: at least half of the candidate's requests fail (${seen}).`;
      const worst = reasons.map((r) => byName.get(r.slice('worse:'.length))).filter((g) => g !== undefined);
      const worse = 'the candidate is worse than the control by more than is allowed';
      return `Roll back: ${worse}: ${worst.map(versus).join('; ')}. ${proof(n)} (${seen}).`;
    }
    if (verdict === 'advance') {
      const evidence = `evidence ${eText(n.e)}, roll-back at ${eText(n.threshold)}`;
      return `Advance: ${n.guardrails.map(versus).join('; ')}; ${remaining(reasons)} (${evidence}; ${seen}).`;
    }
    return `Hold: ${reasons.map((r) => holdReason(r, n, byName)).join('; ')} (${seen}).`;
  },
);

/** What an advance leaves open. */
function remaining(reasons: readonly string[]): string {
  const of = (code: string) =>
    reasons.flatMap((r) => (r.startsWith(`${code}:`) ? [r.slice(code.length + 1)] : [])).join(', ');
  const [doubted, beyond] = [of('doubt_remains'), of('beyond_limit_so_far')];
  const parts = [
    doubted && `${doubted} was in doubt when the comparison ended, and nothing can resolve that now`,
    beyond &&
      `${beyond} is beyond its limit so far, which chance may have done: ` +
        'it has to be within it before the candidate is promoted',
  ].filter((part) => part !== '');
  return parts.length > 0 ? parts.join('; ') : 'no guardrail is in doubt';
}

/** What the evidence says, in words: by Ville's inequality a harmless candidate ever shows as much once in so many. */
function proof({ e, threshold, least_favourable: least, crossed_units: crossed }: Judgement['numbers']): string {
  const odds = (t: number) => `a candidate within its limits would look so bad in at most 1 of ${eText(t)} rollouts`;
  const enough = (t: number) => `1 of ${eText(t)} is enough to roll back`;
  if (!least) return `By chance alone, ${odds(e)}; ${enough(threshold)}`;
  const fault = crossed > 0 ? `${count(crossed, 'crossed unit', 'crossed units')} left out` : 'a wrong sample ratio';
  const premise = `Even at the share of units that speaks most for the candidate (${fault})`;
  return `${premise}, ${odds(least.e)}; ${enough(least.threshold)}`;
}

function holdReason(reason: string, n: Judgement['numbers'], byName: Map<string, GuardrailNumbers>): string {
  const [code, subject = ''] = reason.split(':');
  const { step } = n;
  switch (code) {
    case 'not_proved':
      return `it is not yet shown that ${subject} keeps its margin${bound(byName.get(subject), n)}`;
    case 'goal_open':
      return `it is not yet shown that ${subject} is better than the control's${bound(byName.get(subject), n)}`;
    case 'harm_open':
      return `a harm to ${subject} that must not be missed is not excluded yet${excluding(byName.get(subject))}`;
    case 'exposure_fault': {
      const crossed = `${count(n.crossed_units, 'unit was', 'units were')} in both arms`;
      return `${crossed} where the shares do not allow it, so the candidate may not widen`;
    }
    case 'out_of_service': {
      const { seconds = 0, limit_seconds: most = 0 } = n.out_of_service ?? {};
      const lasting = `out of service for ${Math.floor(seconds)} s (at most ${most} s are allowed)`;
      return `the candidate has been ${lasting}: its requests are answered by the control`;
    }
    case 'sample_ratio_mismatch':
      return 'the arms do not get the shares they should (sample ratio), so they cannot be compared';
    case 'in_doubt': {
      const g = byName.get(subject);
      return g ? `${versus(g)} is in doubt (E ${eText(g.e)})` : `${subject} is in doubt`;
    }
    case 'limit_broken': {
      const g = byName.get(subject);
      return g
        ? `${versus(g)}: beyond what is allowed, though chance is not excluded`
        : `${subject} is beyond its limit`;
    }
    case 'no_baseline': {
      const { answers = 0, needed = 0 } = byName.get(subject)?.baseline ?? {};
      const has = `the control has ${answers} of the ${needed} answers that it is compared by`;
      return `${subject} cannot be judged yet: ${has} (${Math.max(0, needed - answers)} are missing)`;
    }
    case 'sla_exceeded':
      return `${subject} is over its limit`;
    case 'outage':
      return 'at least half of the requests are answered neither by the candidate nor by the control in its place';
    case 'dwell':
      return `${Math.max(0, Math.ceil(step.dwellSeconds - step.activeSeconds))} s of the dwell are left`;
    case 'insufficient_data': {
      if (subject !== 'requests' && subject !== 'units') {
        const seen = byName.get(subject)?.candidate?.units ?? 0;
        const left = seen > 0 ? `, about ${inSeconds((MIN_REQUESTS - seen) / seen, n)} at the present rate` : '';
        return `too few outcomes for ${subject} yet (${seen} of ${MIN_REQUESTS}${left})`;
      }
      const have = step.totals.candidate[subject];
      const need = subject === 'requests' ? Math.max(MIN_REQUESTS, step.until.requests ?? 0) : (step.until.units ?? 0);
      const rate = have / Math.max(1, step.activeSeconds);
      const left = rate > 0 ? `, about ${Math.ceil((need - have) / rate)} s at the present rate` : '';
      return `${need - have} more ${subject} are needed${left}`;
    }
    default:
      return reason;
  }
}

/** So many times what the step has taken so far. */
const inSeconds = (times: number, { step }: Judgement['numbers']): string =>
  `${Math.ceil(times * Math.max(1, step.activeSeconds))} s`;

function bound(g: GuardrailNumbers | undefined, n: Judgement['numbers']): string {
  if (!g?.proof || g.proof.bound === null || g.proof.estimate === null) return ' (too few events)';
  const { estimate, bound: at } = g.proof;
  // The half-width falls with the root of the units; an estimate on the wrong side is not corrected by more of them.
  const hopeful = Math.sign(estimate) === Math.sign(estimate - at) && estimate !== 0;
  const times = (Math.abs(at - estimate) / Math.abs(estimate)) ** 2 - 1;
  const more = hopeful ? `; about ${inSeconds(times, n)} more, should the rates stay as they are` : '';
  return ` (the bound is at ${(100 * at).toFixed(2)} percentage points${more})`;
}

function excluding(g: GuardrailNumbers | undefined): string {
  if (!g?.harm || g.harm.e === null || g.harm.e === 1)
    return g?.candidate
      ? ' (no event so far)'
      : " (the control's answers are too few, or too much alike, to measure it by)";
  const { harm, e, seconds } = g.harm;
  const size = (harm ?? 0).toFixed(2);
  const what = g.candidate ? `×${size}` : `${size} normal scores slower`;
  const left = seconds === null ? '' : `, about ${Math.ceil(seconds)} s at the present rate`;
  return ` (${what}: likelihood ratio ${e.toPrecision(2)}${left})`;
}

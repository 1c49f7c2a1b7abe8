import { sound } from '../errors.ts';
import { MIN_UNITS } from '../guardrails/kind.ts';
import { type GuardrailNumbers, kindOf } from '../guardrails/kinds.ts';
import { percent } from '../wording/percent.ts';
import type { Judgement } from './judgement.ts';
import { DOUBT } from './missing.ts';

function eText(e: number): string {
  return e >= 1e6 ? e.toExponential(1) : e.toFixed(e < 10 ? 2 : 0);
}

const count = (n: number, one: string, more: string) => `${n} ${n === 1 ? one : more}`;

/** The figures of a guardrail for both arms in its own unit, and its limit. */
const versus = (g: GuardrailNumbers): string => kindOf(g).versus(g);

/** One plain sentence: the verdict, and the numbers behind it. */
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
      const worse = 'the candidate is worse than the control by more than allowed';
      return `Roll back: ${worse}: ${worst.map(versus).join('; ')}. ${proof(n)} (${seen}).`;
    }
    if (verdict === 'advance') {
      const evidence = `evidence against the candidate ${eText(n.e)}, rollback at ${eText(n.threshold)}`;
      return `Advance: ${n.guardrails.map(versus).join('; ')}; ${remaining(reasons)} (${evidence}; ${seen}).`;
    }
    return `Hold: ${reasons.map((r) => holdReason(r, n, byName)).join('; ')} (${seen}).`;
  },
);

/** What an advance leaves undecided. */
function remaining(reasons: readonly string[]): string {
  const of = (code: string) =>
    reasons.flatMap((r) => (r.startsWith(`${code}:`) ? [r.slice(code.length + 1)] : [])).join(', ');
  const [doubted, beyond] = [of('doubt_remains'), of('beyond_limit_so_far')];
  const parts = [
    doubted && `${doubted} was in doubt when the comparison ended, and no further data can resolve that`,
    beyond &&
      `${beyond} is beyond its limit so far, which may be chance: ` +
        'it must be within its limit before the candidate is promoted',
  ].filter((part) => part !== '');
  return parts.length > 0 ? parts.join('; ') : 'no guardrail is in doubt';
}

/** The evidence in words: by Ville's inequality, the share of harmless candidates that ever reach this evidence. */
function proof({ e, threshold, least_favourable: least, crossed_units: crossed }: Judgement['numbers']): string {
  const odds = (t: number) => `a candidate within its limits would look this bad in at most 1 of ${eText(t)} rollouts`;
  const enough = (t: number) => `1 of ${eText(t)} is enough to roll back`;
  if (!least) return `By chance alone, ${odds(e)}; ${enough(threshold)}`;
  const fault = crossed > 0 ? `${count(crossed, 'crossed unit', 'crossed units')} left out` : 'a wrong sample ratio';
  const premise = `Even at the share of units that is most favourable to the candidate (${fault})`;
  return `${premise}, ${odds(least.e)}; ${enough(least.threshold)}`;
}

function holdReason(reason: string, n: Judgement['numbers'], byName: Map<string, GuardrailNumbers>): string {
  const [code = '', subject = ''] = reason.split(':');
  const { step } = n;
  const g = byName.get(subject) ?? byName.get(subject.replace(/\.[^.]*$/, ''));
  const inItsWords = g && kindOf(g).reasons[code];
  if (inItsWords) return inItsWords(g, step, subject);
  switch (code) {
    case 'not_proved':
      return `it is not yet shown that ${subject} keeps its margin${untilProved(g, n)}`;
    case 'goal_open':
      return `it is not yet shown that ${subject} is better than the control's${untilProved(g, n)}`;
    case 'harm_open': {
      const open = g ? kindOf(g).untilExcluded(g) : '';
      return `a harm to ${subject} that must not be missed is not excluded yet${open}`;
    }
    case 'exposure_fault': {
      const crossed = `${count(n.crossed_units, 'unit was', 'units were')} in both arms`;
      return `${crossed} where the shares do not allow it, so the candidate's share may not grow`;
    }
    case 'out_of_service': {
      const { seconds = 0, limit_seconds: most = 0 } = n.out_of_service ?? {};
      const lasting = `out of service for ${Math.floor(seconds)} s (at most ${most} s are allowed)`;
      return `the candidate has been ${lasting}: its requests are answered by the control`;
    }
    case 'sample_ratio_mismatch':
      return 'the arms do not have their planned shares of the units (sample ratio), so they cannot be compared';
    case 'in_doubt':
      return g
        ? `${versus(g)} is in doubt (evidence against the candidate ${eText(g.e)}, below ${DOUBT} is needed)`
        : `${subject} is in doubt`;
    case 'limit_broken':
      return g ? `${versus(g)}: beyond its limit, though this may be chance` : `${subject} is beyond its limit`;
    case 'outage':
      return 'at least half of the requests are answered neither by the candidate nor by the control in its place';
    case 'dwell':
      return `${Math.max(0, Math.ceil(step.dwellSeconds - step.activeSeconds))} s of the minimum time (dwell) are left`;
    case 'insufficient_data': {
      if (subject !== 'requests' && subject !== 'units') return reason;
      const have = step.totals.candidate[subject];
      const need = subject === 'requests' ? Math.max(MIN_UNITS, step.until.requests ?? 0) : (step.until.units ?? 0);
      const rate = have / Math.max(1, step.activeSeconds);
      const left = rate > 0 ? `, about ${Math.ceil((need - have) / rate)} s at the present rate` : '';
      return `${need - have} more ${subject} are needed${left}`;
    }
    default:
      return reason;
  }
}

const untilProved = (g: GuardrailNumbers | undefined, { step }: Judgement['numbers']): string =>
  (g && kindOf(g).untilProved?.(g, step)) ?? '';

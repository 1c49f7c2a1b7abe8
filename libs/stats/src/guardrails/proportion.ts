import { type Carry, carriedOr } from '../e-process/carry.ts';
import { type CountCell, CountEvidence, WORSE_WHEN_FEWER, WORSE_WHEN_MORE } from '../e-process/counts.ts';
import { proveRatio } from '../sequential/proof.ts';
import { leastFavourableEvidence } from './exposure.ts';
import { countDecay, exclusion, type Harm, harmRatio, MISSED, rareEnough } from './harm.ts';
import { type Declared, type GuardrailKind, MIN_UNITS } from './kind.ts';
import { percent } from '../wording/percent.ts';
import { allowed, inSeconds } from './wording.ts';

export type ProportionGuardrail = Declared & {
  kind: 'proportion';
  source: 'error' | 'outcome';
  /** `lower`: an event is bad. `higher`: an event is good (a conversion). */
  direction: 'lower' | 'higher';
  /** All steps, ordered by second; each unit counted once per step. Or the evidence of that, carried on. */
  cells: readonly CountCell[] | CountEvidence;
  /** What is carried from look to look of the evidence of the cells. */
  carry?: Carry<CountCell, CountEvidence> | undefined;
  /** The smallest harm that must be excluded before the last comparison ends. */
  harm?: Harm | undefined;
  /**
   * In the present step: units observed for this metric, and those with an event; of errors also which share of a
   * unit's requests failed, on average over units (where it is not given, each unit has one request), and which share
   * the control, asked in the candidate's place, did not answer either.
   */
  step: {
    control: { units: number; events: number };
    candidate: { units: number; events: number; failedShare?: number | undefined; sharedShare?: number | undefined };
  };
};

type Rate = { units: number; events: number; rate: number | null };
export type ProportionFigures = { candidate: Rate; control: Rate; direction: 'lower' | 'higher' };

/** Fewest events, over both arms, from which rates are worth comparing with a limit. */
const POINT_EVENTS = 20;
const RATES = { figures: ['rate'], tooFew: () => 'too few events to compare the rates' };

const alternatives = ({ direction }: ProportionGuardrail) =>
  direction === 'lower' ? WORSE_WHEN_MORE : WORSE_WHEN_FEWER;

function rated({ units, events }: { units: number; events: number }): Rate {
  return { units, events, rate: units > 0 ? events / units : null };
}

/** Units with an event, of those that were observed: of failed requests, or of outcomes. */
export const proportion: GuardrailKind<ProportionGuardrail, ProportionFigures> = {
  inForce: () => true,
  stake: (g) => g.source,

  evidence(g, { startSecond, plannedSeconds, nowSecond, step, missed = MISSED }) {
    let evidence = g.cells;
    if (!(evidence instanceof CountEvidence))
      evidence = carriedOr(
        g.carry,
        evidence,
        `${g.margin} ${startSecond} ${plannedSeconds}`,
        () => new CountEvidence(g.margin, alternatives(g), startSecond, plannedSeconds),
      );
    const e = evidence.valueAt(nowSecond);
    if (!g.harm) return { e };
    const { control, candidate } = g.step;
    const ratio = harmRatio(g.harm, control, g.direction);
    const perSecond = (control.events + candidate.events) / Math.max(1, step.activeSeconds);
    const harm =
      ratio === undefined
        ? { harm: null, e: null, excluded: false, seconds: null }
        : exclusion(ratio, evidence.likelihoodRatio(ratio), missed, countDecay(ratio, step.weight), perSecond);
    const excluded = harm.excluded || (g.direction === 'lower' && rareEnough(candidate, g.harm.absolute, missed));
    return { e, harm: { ...harm, excluded } };
  },

  proof: (g, alpha) =>
    proveRatio(
      g.step.control,
      g.step.candidate,
      g.role === 'goal' ? 1 : g.margin,
      g.direction === 'lower' ? 'below' : 'above',
      alpha,
    ),

  // Evidence that was carried on can't be counted again.
  leastFavourable: (g, look, bounds) =>
    g.cells instanceof CountEvidence ? 1 : leastFavourableEvidence(g.cells, g.margin, alternatives(g), look, bounds),

  figures: (g) => ({ candidate: rated(g.step.candidate), control: rated(g.step.control), direction: g.direction }),

  compare({ control, candidate, margin, direction }) {
    if (control.rate === null || candidate.rate === null || control.events + candidate.events < POINT_EVENTS)
      return { compared: [], beyond: [] };
    const limit = margin * control.rate;
    const isBeyond = direction === 'higher' ? candidate.rate < limit : candidate.rate > limit;
    return { compared: ['rate'], beyond: isBeyond ? ['rate'] : [] };
  },
  isKeptByExclusion: ({ direction, harm, margin }) => direction === 'lower' && (harm.harm ?? Infinity) <= margin,

  missing: (g) =>
    g.role !== 'watch' && g.source === 'outcome' && g.step.candidate.units < MIN_UNITS
      ? [`insufficient_data:${g.metric}`]
      : [],

  /**
   * By requests, each unit with one voice: of those that come often nearly all have failed once; one may fail always.
   * What the control could not answer either is nothing against the candidate.
   */
  alone({ source, step: { candidate } }) {
    const { units, events, failedShare = events / units, sharedShare = 0 } = candidate;
    const told = 1 - sharedShare;
    if (source === 'error' && units * told >= MIN_UNITS && failedShare - sharedShare >= 0.5 * told)
      return 'gross_failure';
    return sharedShare >= 0.5 ? 'outage' : undefined;
  },

  versus(n) {
    const rate = (arm: Rate) => `${percent(arm.rate)} (${arm.events} of ${arm.units})`;
    const limit = n.role === 'guardrail' ? allowed(n, n.direction, RATES) : '';
    return `${n.metric} ${rate(n.candidate)} against the control's ${rate(n.control)}${limit}`;
  },
  reasons: {
    insufficient_data({ metric, candidate: { units: seen } }, step) {
      const left = seen > 0 ? `, about ${inSeconds((MIN_UNITS - seen) / seen, step)} at the present rate` : '';
      return `${metric} has outcomes of ${seen} units, at least ${MIN_UNITS} are needed${left}`;
    },
  },
  untilProved({ proof }, step) {
    if (!proof || proof.bound === null || proof.estimate === null) return ' (too few events)';
    const { estimate, bound: at } = proof;
    // The half-width falls with the root of the units; an estimate on the wrong side is not corrected by more of them.
    const hopeful = Math.sign(estimate) === Math.sign(estimate - at) && estimate !== 0;
    const times = (Math.abs(at - estimate) / Math.abs(estimate)) ** 2 - 1;
    const more = hopeful ? `; about ${inSeconds(times, step)} more if the rates stay as they are` : '';
    return ` (its confidence bound is at ${(100 * at).toFixed(2)} percentage points${more})`;
  },
  untilExcluded({ harm: found }) {
    if (!found || found.e === null || found.e === 1) return ' (no event so far)';
    const left = found.seconds === null ? '' : `, about ${Math.ceil(found.seconds)} s at the present rate`;
    return ` (×${(found.harm ?? 0).toFixed(2)}: likelihood ratio ${found.e.toPrecision(2)}${left})`;
  },
};

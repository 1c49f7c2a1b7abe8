import { sound, StatsError } from '../errors.ts';
import { MISSED } from '../guardrails/harm.ts';
import type { JudgeInput } from './input.ts';
import { judge } from './judge.ts';
import type { Judgement } from './judgement.ts';

/** What one look sees of one candidate and the concurrent control. */
export type ArmInput = { arm: string } & Omit<JudgeInput, 'alpha' | 'missed'>;

export type ArmsInput = {
  /** This analyser's share of the rollout's α, for all candidates together. */
  alpha: number;
  missed?: number | undefined;
  /** The number of candidates at the beginning of the rollout. */
  candidates: number;
  /** The remaining candidates. */
  arms: readonly ArmInput[];
};

/** The verdict on one candidate, with the name of its arm. */
export type ArmJudgement = { arm: string } & Omit<Judgement, 'numbers'>;

export type ArmsJudgement = Omit<Judgement, 'numbers'> & {
  arms: ArmJudgement[];
  /** By arm. */
  numbers: { arms: Record<string, Judgement['numbers']> };
};

/** What an arm may still lack when others are decided: naming a winner earlier would make it a race. */
const UNDER_WAY = /^(dwell|insufficient_data)\b/;

/**
 * The verdict on a rollout from those on its candidates, each compared with the concurrent control (`judge`). Pure.
 *
 * α and the probability of missing a harm are divided by the number of candidates that the rollout began with
 * (Bonferroni): whatever the dependence between arms that share a control, no harmless candidate is rolled back with
 * probability ≥ 1 − α, and none that does harm is promoted with more than `missed`. One candidate has all of both, and
 * its verdict is the rollout's.
 *
 * Of several
 * - `rollBack`: every one that remains is to be rolled back. If one of several is, the reader of `arms` withdraws it;
 * meanwhile the rollout holds;
 * - `advance`: exactly one is shown to be better, and no other is still short of its dwell or its counts. That it beats
 * the others is not shown;
 * - `hold` with `several_arms_better`: more than one is.
 */
export const judgeArms = sound(
  'judgeArms',
  ({ alpha, missed = MISSED, candidates, arms }: ArmsInput): ArmsJudgement => {
    if (!(Number.isInteger(candidates) && candidates >= arms.length))
      throw new StatsError('not_a_count', `candidates: of ${candidates} not ${arms.length} can remain`);
    const judged = arms.map(({ arm, ...input }) => ({
      arm,
      ...judge({ ...input, alpha: alpha / candidates, missed: missed / candidates }),
    }));
    const numbers = { arms: Object.fromEntries(judged.map((j) => [j.arm, j.numbers])) };
    const said = judged.map(({ numbers: _, ...words }) => words);
    const [only] = said;
    if (!only) throw new StatsError('empty_arm', 'no candidate remains to be judged');
    if (candidates === 1) return { ...ofRollout(only), arms: said, numbers };
    return { ...combined(said), arms: said, numbers };
  },
);

const ofRollout = ({ verdict, reasons, sentence }: ArmJudgement) => ({ verdict, reasons, sentence });

/** For several candidates: codes and sentences with the names of the arms. */
function combined(judged: readonly ArmJudgement[]): Omit<Judgement, 'numbers'> {
  const all = (verdict?: Judgement['verdict']) => judged.filter((j) => verdict === undefined || j.verdict === verdict);
  const sentence = judged.map((j) => `${j.arm}: ${j.sentence}`).join(' ');
  const codes = (of: readonly ArmJudgement[]) => of.flatMap((j) => j.reasons.map((reason) => `${reason}@${j.arm}`));
  const [harmful, better] = [all('rollBack'), all('advance')];
  if (harmful.length === judged.length) return { verdict: 'rollBack', reasons: codes(judged), sentence };
  if (harmful.length > 0) return { verdict: 'hold', reasons: codes(harmful), sentence };
  const open = all('hold');
  // The service as a whole waits for a person: requests of the other arms at that time are not evidence either.
  if (open.some((j) => j.reasons.includes('out_of_service')))
    return { verdict: 'hold', reasons: ['out_of_service', ...codes(open)], sentence };
  if (better.length === 0 || open.some((j) => j.reasons.some((reason) => UNDER_WAY.test(reason))))
    return { verdict: 'hold', reasons: codes(open), sentence };
  if (better.length === 1) return { verdict: 'advance', reasons: codes(better), sentence };
  const names = better.map((j) => j.arm).join(', ');
  return {
    verdict: 'hold',
    reasons: ['several_arms_better', ...codes(better)],
    sentence: `Hold: ${names} are each shown to be better than the control, but not than each other. ${sentence}`,
  };
}

import { type CountCell, CountEvidence, WORSE_WHEN_FEWER, WORSE_WHEN_MORE } from '../e-process/counts.ts';
import { LatencyEvidence } from '../e-process/latency.ts';
import type { RunningEvidence } from '../e-process/mixture.ts';
import { countDecay, type Exclusion, exclusion, harmRatio, MISSED, rareEnough } from './harm.ts';
import type { EventGuardrail, JudgeInput, LatencyGuardrail } from './input.ts';

type Running = { e: number; harm?: Exclusion };

/** A guardrail's e-value, and how far its harm is from being excluded. */
export function evidenceOf(g: EventGuardrail | LatencyGuardrail, input: JudgeInput): Running {
  const { startSecond, plannedSeconds, nowSecond, step, missed = MISSED } = input;
  const counts = (cells: readonly CountCell[], margin: number, ratios: readonly number[]) => {
    const evidence = new CountEvidence(margin, ratios, startSecond, plannedSeconds);
    for (const cell of cells) evidence.add(cell);
    return evidence;
  };
  const perSecond = (events: number) => events / Math.max(1, step.activeSeconds);
  if (g.kind === 'events') {
    const evidence =
      g.cells instanceof CountEvidence
        ? g.cells
        : counts(g.cells, g.margin, g.direction === 'lower' ? WORSE_WHEN_MORE : WORSE_WHEN_FEWER);
    const e = evidence.valueAt(nowSecond);
    if (!g.harm) return { e };
    const { control, candidate } = g.step;
    const ratio = harmRatio(g.harm, control, g.direction);
    const harm =
      ratio === undefined
        ? { harm: null, e: null, excluded: false, seconds: null }
        : exclusion(
            ratio,
            evidence.likelihoodRatio(ratio),
            missed,
            countDecay(ratio, step.weight),
            perSecond(control.events + candidate.events),
          );
    return {
      e,
      harm: {
        ...harm,
        excluded: harm.excluded || (g.direction === 'lower' && rareEnough(candidate, g.harm.absolute, missed)),
      },
    };
  }
  const { masses, cells } = g;
  const unknown: Exclusion = { harm: null, e: null, excluded: false, seconds: null };
  if (!masses) return { e: 1, ...(g.harm === undefined ? {} : { harm: unknown }) };
  let distribution: LatencyEvidence;
  let tail: RunningEvidence;
  if ('distribution' in cells) ({ distribution, tail } = cells);
  else {
    distribution = new LatencyEvidence(masses, startSecond, plannedSeconds);
    for (const cell of cells) distribution.add(cell);
    const last = masses.length - 1;
    tail = counts(
      cells.map((c) => ({
        second: c.second,
        weight: c.weight,
        control: c.control[last] as number,
        candidate: c.candidate[last] as number,
      })),
      1,
      WORSE_WHEN_MORE,
    );
  }
  const e = (distribution.valueAt(nowSecond) + tail.valueAt(nowSecond)) / 2;
  if (g.harm === undefined) return { e };
  if (g.harm === null) return { e, harm: unknown };
  return {
    e,
    harm: exclusion(
      g.harm,
      distribution.likelihoodRatio(g.harm),
      missed,
      distribution.decay(g.harm, step.weight),
      perSecond(step.totals.control.requests + step.totals.candidate.requests),
    ),
  };
}

import type { Metric } from '@slipway/release';
import type { CountCell, ProportionGuardrail } from '@slipway/stats';
import { countCells, judged, pairOf, type Row } from '../../look/cells.ts';
import { COMPARABLE, SETTLED } from '../../look/exposed-rows.ts';
import { keepOutcomeUnits, type LookRows } from '../../look/look-rows.store.ts';
import type { MetricReader, Rule } from '../kind.ts';
import { type StepCounts, stepCounts } from './step-counts.ts';

export type EventCounts = { cells: CountCell[]; step: StepCounts };

/** Units with an event: a request of theirs that failed, or an outcome. */
export class ProportionStore implements MetricReader {
  async guardrail(look: LookRows, metric: Metric, rule: Rule): Promise<ProportionGuardrail> {
    const isError = 'field' in metric.source;
    const counted = isError ? await this.errors(look) : await this.outcomes(look, metric);
    const { margin, role, proof, harm } = rule;
    return {
      kind: 'proportion',
      metric: metric.name,
      source: isError ? 'error' : 'outcome',
      direction: metric.direction,
      ...counted,
      margin,
      role,
      proof,
      harm,
    };
  }

  /**
   * First failures of units, each in the second in which it was settled: a candidate that hangs is given up sooner than
   * a control, and its row comes sooner, but a shared fault may not look like one of the candidate. And in the present
   * step the units that were tried, those of which any request failed, and which share of its requests failed, of a
   * unit on average.
   */
  async errors(look: LookRows): Promise<EventCounts> {
    const rows = await look.read<Row>(
      judged(
        `SELECT weight, arm, unit, toUnixTimestamp(min(arrived_at)) AS second FROM (${SETTLED})
         WHERE failed AND reason = 'randomised' GROUP BY weight, arm, unit`,
      ),
      { closed: look.asOf.closed },
    );
    const tried = await look.read<{
      arm: string;
      units: number;
      events: number;
      failedShare: number;
      sharedShare: number;
    }>(
      `SELECT arm, count() AS units, countIf(share > 0) AS events, avg(share) AS failedShare,
         avg(shared) AS sharedShare
       FROM (SELECT arm, unit, avg(failed) AS share, avg(nobody) AS shared
         FROM (${COMPARABLE}) WHERE step = {step:Int16} GROUP BY arm, unit)
       GROUP BY arm`,
    );
    const { failedShare, sharedShare } = pairOf(tried).candidate ?? {};
    const step = stepCounts(tried);
    return {
      cells: countCells(rows),
      step:
        failedShare === undefined
          ? step
          : { ...step, candidate: { ...step.candidate, failedShare, ...(sharedShare ? { sharedShare } : {}) } },
    };
  }

  /**
   * The events of a metric of outcomes by the second in which they count; and in the present step the units that the
   * metric is divided by, and those with an event.
   */
  async outcomes(look: LookRows, metric: Metric): Promise<EventCounts> {
    const units = await keepOutcomeUnits(look, metric);
    const rows = await look.read<Row>(
      judged(
        `SELECT weight, arm, unit, min(second) AS second FROM ${units} WHERE has_event GROUP BY weight, arm, unit`,
      ),
    );
    const present = await look.read<{ arm: string; units: number; events: number }>(
      `SELECT arm, uniqExact(unit) AS units, uniqExactIf(unit, has_event) AS events
       FROM ${units} WHERE step = {step:Int16} GROUP BY arm`,
    );
    return { cells: countCells(rows), step: stepCounts(present) };
  }
}

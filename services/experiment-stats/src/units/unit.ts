import { CONTROL, toNineDigits } from '@slipway/core';
import type { AsOf } from '../look/as-of.ts';
import { type Exposure as Row, firstCopies, type Posted, type UnitRows, wasSeen } from './exposure.ts';
import { type Arm, isCrossed, type Share, sharesOf } from './shares.ts';

/** An exposure to control or to the candidate that is compared with it, and the candidate's share of their units. */
export type Exposure = Omit<Row, 'assigned' | 'probability'> & { arm: Arm; weight: number };

/**
 * A candidate beside control: the name of its arm, which part of all units both have together, and whether there are
 * others. Several candidates have fixed shares: then no unit may be in two arms, whichever they are.
 */
export type Compared = { candidate: string; part: number; others: readonly string[] };

/** One unit as one look sees it. */
export type Unit = {
  /** In both arms where the shares do not allow it: it is in no other count. */
  crossed: boolean;
  /** Every exposure, each once, in order of arrival. */
  exposures: readonly Exposure[];
  /**
   * The same, without those that are still to come when either arm would have told alike how they ended. A hung
   * candidate is given up before a hung control is, and its row comes sooner.
   */
  settled: readonly Exposure[];
  /** The shares at which it was met. */
  shares: readonly Share[];
  /** By when the settled exposures were settled, microseconds: for the sample ratio. */
  settledShares: readonly Share[];
  /** What its arm was tried for, or would have been by the same draw the other way; none of a crossed unit. */
  comparable: readonly Exposure[];
  posted: (name: string) => readonly Posted[];
  /** Milliseconds: a window that ends by then is over. */
  closed: number;
};

/** What a look that saw so much sees of a unit; undefined when it saw none of its exposures to these arms. */
export function unitAt(rows: UnitRows, { predictions, outcomes, closed }: AsOf, compared: Compared): Unit | undefined {
  const all = firstCopies(rows.exposures.filter((row) => wasSeen(row, predictions)));
  const exposures: Exposure[] = [];
  for (const row of all) {
    const exposure = exposureTo(compared, row);
    if (exposure) exposures.push(exposure);
  }
  if (exposures.length === 0) return undefined;
  const closedUs = closed * 1000;
  const settled = exposures.filter(({ settled: at, arrived }) => at <= arrived * 1000 || at <= closedUs);
  const crossed = isCrossed(exposures) || isInTwo(compared, all);
  const none = crossed ? [] : undefined;
  return {
    crossed,
    exposures,
    settled,
    shares: none ?? sharesOf(exposures.map(({ weight, arm, arrived }) => ({ weight, arm, at: arrived }))),
    settledShares: none ?? sharesOf(settled.map(({ weight, arm, settled: at }) => ({ weight, arm, at }))),
    comparable: none ?? exposures.filter(({ ejected }) => !ejected),
    posted: (name) => firstCopies((rows.posted.get(name) ?? []).filter((row) => wasSeen(row, outcomes))),
    closed,
  };
}

function isInTwo({ candidate, others }: Compared, all: readonly Row[]): boolean {
  if (others.length === 0) return false;
  const arms = [CONTROL, candidate, ...others];
  return new Set(all.map(({ assigned }) => assigned).filter((arm) => arms.includes(arm))).size > 1;
}

/** The candidate's share is read from control's probability as from its own, to the same nine digits. */
function exposureTo({ candidate, part }: Compared, row: Row): Exposure | undefined {
  const { assigned, probability } = row;
  const isControl = assigned === CONTROL;
  if (!isControl && assigned !== candidate) return undefined;
  const share = toNineDigits(isControl ? part - probability : probability);
  // Written out, since a spread of each of many millions would cost more than all that is counted of them.
  return {
    arm: isControl ? 'control' : 'candidate',
    weight: toNineDigits(share / part),
    id: row.id,
    requestId: row.requestId,
    step: row.step,
    arrived: row.arrived,
    settled: row.settled,
    time: row.time,
    latencyUs: row.latencyUs,
    failed: row.failed,
    nobody: row.nobody,
    ejected: row.ejected,
    outputs: row.outputs,
    partition: row.partition,
    offset: row.offset,
  };
}

/** By the order in which a unit's requests came; of those that arrived together, by the router's clock. */
export const inTime = (a: Exposure, b: Exposure): number =>
  a.arrived - b.arrived || a.time - b.time || (a.requestId < b.requestId ? -1 : Number(a.requestId > b.requestId));

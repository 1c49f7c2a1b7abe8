import { durationMs } from '@slipway/core';
import type { Metric } from '@slipway/release';
import type { Output, Posted } from '../../units/exposure.ts';
import type { Arm } from '../../units/shares.ts';
import { type Exposure, inTime, type Unit } from '../../units/unit.ts';

/**
 * Which outcomes belong to which exposure of a unit. All times are arrivals at Kafka: one clock, which also defines the
 * rows that a look could have seen. An outcome by request id belongs to that request; one by unit belongs to the latest
 * earlier exposure of the unit in this rollout. The view `prediction_outcomes` implements the same for analysts, for
 * all rollouts.
 */

/**
 * A router's rows wait in its journal while Kafka is unavailable, so an outcome may arrive before its exposure. It is
 * counted when the exposure arrives, if that is within this time, and only if the outcome also happened later by the
 * writers' clocks: a purchase before the first request is not a conversion.
 */
const OVERTAKING_MS = 3_600_000;

/** A unit's stay in one arm of one step at one share: whether it has an event, and the second in which it counts. */
export type Stay = { step: number; weight: number; arm: Arm; hasEvent: boolean; second: number };

type Pair = { exposure: Exposure; posted: Posted };

/**
 * The stays of one unit that a metric counts.
 *
 * @throws Error for a metric that has no outcome
 */
export function outcomeStays(unit: Unit, metric: Metric): Stay[] {
  if (!('outcome' in metric.source)) throw new Error(`${metric.name} has no outcome`);
  const posted = unit.posted(metric.source.outcome);
  if (unit.comparable.length === 0 || (posted.length === 0 && metric.per === 'observed')) return [];
  // What a unit does after its first failed request of this rollout is not evidence: a candidate's caller got control's
  // answer and control's caller got none, so they behave differently however alike the versions are. Until then both
  // arms behave alike under the null: every count here is limited to the time before the unit's first failure.
  const failedAt = unit.comparable.reduce(
    (at, { failed, arrived }) => (failed ? Math.min(at, arrived) : at),
    Number.POSITIVE_INFINITY,
  );
  const { compare } = metric.source;
  const reading = readingOf(compare);
  const window = durationMs(metric.window);
  // An outcome that is compared with an output measures the quality of an answer, not what the caller did.
  const counts = ({ exposure, posted: { arrived } }: Pair) =>
    exposure.arrived < failedAt && (compare !== undefined || arrived < failedAt);
  const pairs = pairsOf(unit.comparable, posted).filter((pair) => reading.observable(pair) && counts(pair));
  const counting = { pairs, window, event: reading.event };
  return metric.per === 'exposed'
    ? exposedStays(unit, counting, failedAt, metric.direction === 'higher')
    : observedStays(counting);
}

type Counting = { pairs: readonly Pair[]; window: number; event: (pair: Pair) => boolean };

/** Units with an outcome within the window of the prediction that it is about. Nothing is known of other units. */
function observedStays({ pairs, window, event }: Counting): Stay[] {
  const inWindow = pairs.filter(({ exposure, posted }) => posted.arrived <= exposure.arrived + window);
  return staysOf(
    inWindow.map(({ exposure }) => exposure),
    (key) => {
      const own = inWindow.filter(({ exposure }) => keyOf(exposure) === key);
      const events = own.filter(event);
      const second = Math.min(
        ...(events.length > 0 ? events : own).map(({ exposure, posted }) =>
          Math.floor(Math.max(exposure.arrived, posted.arrived) / 1000),
        ),
      );
      return { hasEvent: events.length > 0, second };
    },
  );
}

/**
 * Exposed units whose window is over, from their first exposure to the step at that share. Nothing counts earlier,
 * because an arm whose outcomes arrive sooner, but not more often, must not look better; nothing counts later. A unit
 * that failed before that exposure is left out. One that fails within its window before an event counts against its arm
 * if an event is good (as one without an event), and is left out if an event is bad (otherwise it would look like a
 * good one).
 */
function exposedStays(
  { comparable, closed }: Unit,
  { pairs, window, event }: Counting,
  failedAt: number,
  higher: boolean,
): Stay[] {
  return staysOf(comparable, (key, exposedAt) => {
    const end = exposedAt + window;
    if (end > closed || exposedAt > failedAt) return undefined;
    const hasEvent = pairs.some((pair) => keyOf(pair.exposure) === key && pair.posted.arrived <= end && event(pair));
    return higher || hasEvent || failedAt > end ? { hasEvent, second: Math.floor(end / 1000) } : undefined;
  });
}

const keyOf = ({ step, weight, arm }: Exposure) => `${step} ${weight} ${arm}`;

function staysOf(
  exposures: readonly Exposure[],
  count: (key: string, exposedAt: number) => Pick<Stay, 'hasEvent' | 'second'> | undefined,
): Stay[] {
  const first = new Map<string, Exposure>();
  for (const exposure of exposures) {
    const key = keyOf(exposure);
    if (exposure.arrived < (first.get(key)?.arrived ?? Number.POSITIVE_INFINITY)) first.set(key, exposure);
  }
  return [...first].flatMap(([key, { step, weight, arm, arrived }]) => {
    const counted = count(key, arrived);
    return counted ? [{ step, weight, arm, ...counted }] : [];
  });
}

function pairsOf(comparable: readonly Exposure[], posted: readonly Posted[]): Pair[] {
  const ordered = [...comparable].sort(inTime);
  const first = ordered[0] as Exposure;
  return posted.flatMap((fact): Pair[] => {
    if (fact.requestId !== null)
      return ordered.filter((e) => e.requestId === fact.requestId).map((exposure) => ({ exposure, posted: fact }));
    const before = ordered.findLast(({ arrived }) => arrived <= fact.arrived);
    if (before) return [{ exposure: before, posted: fact }];
    const overtaken = first.arrived <= fact.arrived + OVERTAKING_MS && first.time <= fact.time;
    return overtaken ? [{ exposure: first, posted: fact }] : [];
  });
}

type Compare = Extract<Metric['source'], { outcome: string }>['compare'];

/**
 * Whether an outcome is an event. An answer without the output (an error, or a body too long for the log), or with
 * several elements (a list), cannot be compared: it is not observed, rather than counted as an event.
 */
function readingOf(compare: Compare): { event: (pair: Pair) => boolean; observable: (pair: Pair) => boolean } {
  if (!compare) return { event: ({ posted }) => (posted.number ?? 0) !== 0, observable: () => true };
  const name = outputOf(compare);
  const output = ({ exposure }: Pair) => exposure.outputs[name] as Output;
  const same = (pair: Pair) => {
    const [{ value, parsed }, { text, number }] = [pair.posted, output(pair)];
    return parsed !== null && number !== null ? parsed === number : value === text;
  };
  return {
    event: 'equals' in compare ? same : (pair) => !same(pair),
    observable: (pair) => Object.hasOwn(pair.exposure.outputs, name) && !output(pair).list,
  };
}

/** The output that an outcome is compared with. */
export const outputOf = (compare: NonNullable<Compare>): string =>
  'equals' in compare ? compare.equals : compare.differs_from;

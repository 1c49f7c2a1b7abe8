import { durationMs } from '@slipway/core';
import type { Metric } from '@slipway/release';
import type { Output, Posted } from '../../units/exposure.ts';
import type { Arm } from '../../units/shares.ts';
import { type Exposure, inTime, type Unit } from '../../units/unit.ts';

/**
 * Which outcomes belong to which exposure of a unit. Everything goes by arrival at Kafka: it is one clock, and says
 * which rows a look could have seen. An outcome by request id belongs to that request; one by unit to the latest
 * exposure of the unit in this rollout before it. The view `prediction_outcomes` says the same for analysts, of all
 * rollouts.
 */

/**
 * The rows of a router wait in its journal while Kafka is away, so an outcome may be there before the exposure that it
 * belongs to: it is counted when that comes, if it comes within so long, and only if it also happened later by the
 * clocks of those who wrote the rows: what was bought before the first request is no conversion of it.
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
  // What a unit does after its first request of this rollout that failed is no evidence: a candidate's caller got
  // control's answer, control's got none, so they go different ways however alike the versions are. Up to then both
  // arms go alike under the null: every count here is one of the time up to the unit's first failure.
  const failedAt = unit.comparable.reduce(
    (at, { failed, arrived }) => (failed ? Math.min(at, arrived) : at),
    Number.POSITIVE_INFINITY,
  );
  const { compare } = metric.source;
  const reading = readingOf(compare);
  const window = durationMs(metric.window);
  // An outcome that is compared tells the quality of an answer, and not what the caller did.
  const counts = ({ exposure, posted: { arrived } }: Pair) =>
    exposure.arrived < failedAt && (compare !== undefined || arrived < failedAt);
  const pairs = pairsOf(unit.comparable, posted).filter((pair) => reading.observable(pair) && counts(pair));
  const counting = { pairs, window, event: reading.event };
  return metric.per === 'exposed'
    ? exposedStays(unit, counting, failedAt, metric.direction === 'higher')
    : observedStays(counting);
}

type Counting = { pairs: readonly Pair[]; window: number; event: (pair: Pair) => boolean };

/** Units with an outcome within the window of the prediction that it is about. Without one, nothing is known. */
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
 * Units exposed whose window is over, counted from their first exposure to the step at that share. Nothing counts
 * before: an arm whose outcomes come sooner, and no more often, must not look better; and none counts after. A unit
 * that failed before that exposure is none. One that fails within its window before an event counts against its arm:
 * as one without an event that is good, and not at all where an event is bad (it would look like one that went well).
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
 * What an event is. An answer without the output (an error, or a body too long for the log), or with several elements
 * (a list), cannot be compared: it is not observed, rather than counted as an event.
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

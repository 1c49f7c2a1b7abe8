import type { Rollout } from '@slipway/release';
import { type ClickHouseClient } from '@slipway/platform';
import { rolloutParameters, SINCE } from '../look/rollout-rows.ts';
import { type Output, type Posted, readExposure, type UnitRows } from './exposure.ts';
import { between, changedExposures, type Pending, type Seen } from './touched.ts';

/** What is read beside the exposures: outcomes of these names, and outputs that they are compared with. */
export type Needed = { names: readonly string[]; outputs: readonly string[]; windows: readonly number[] };

/** So many exposures are read at once. */
const CHUNK = 100_000;

const OF_ROLLOUT = 'endpoint = {endpoint:String} AND rollout_id = {rollout:String}';
const OF_NAMES = `endpoint = {endpoint:String} AND name IN {names:Array(String)} AND ${SINCE}`;

type Which = { condition: string } & ({ units: string[] } | { about: string });
type Line = { unit: string; row: string; outputs: [boolean, string, number | null, boolean][] };
type Fact = [string, string, string, number, number, string, number | null, number | null, number, number];

/** Reads units with all that is known of them. */
export class UnitRowsStore {
  private readonly clickhouse: ClickHouseClient;
  constructor(clickhouse: ClickHouseClient) {
    this.clickhouse = clickhouse;
  }

  /** Every unit of a rollout, some at a time. */
  async *all(rollout: Rollout, needed: Needed): AsyncGenerator<UnitRows[]> {
    const [{ n } = { n: 0 }] = await this.rows<{ n: number }>(
      `SELECT count() AS n FROM slipway.unit_exposures WHERE ${OF_ROLLOUT}`,
      rolloutParameters(rollout),
    );
    const chunks = Math.max(1, Math.ceil(n / CHUNK));
    for (let i = 0; i < chunks; i++) {
      const part = `cityHash64(unit) % ${chunks} = ${i}`;
      yield await this.read(rollout, needed, {
        condition: part,
        about: `about IN (
          SELECT concat('u', unit) FROM slipway.unit_exposures WHERE ${OF_ROLLOUT} AND ${part}
          UNION ALL SELECT concat('r', request) FROM slipway.unit_exposures WHERE ${OF_ROLLOUT} AND ${part})`,
      });
    }
  }

  /** The units of which the later look sees something else than the one before it. */
  async changed(rollout: Rollout, needed: Needed, before: Seen, after: Seen, pending: readonly Pending[]) {
    const { names, windows } = needed;
    const exposures = changedExposures(before, after, windows, pending);
    const outcomes = names.length > 0 ? between(before.outcomes, after.outcomes) : undefined;
    const of = `SELECT concat('u', unit) AS about FROM slipway.unit_exposures WHERE ${OF_ROLLOUT}`;
    const queries = [
      ...(exposures.length > 0 ? [`${of} AND (${exposures.join(' OR ')})`] : []),
      ...(outcomes ? [`SELECT about FROM slipway.unit_outcomes WHERE ${OF_NAMES} AND ${outcomes}`] : []),
    ];
    if (queries.length === 0) return [];
    const parameters = { ...rolloutParameters(rollout), names };
    const about = (await this.rows<{ about: string }>(queries.join(' UNION ALL '), parameters)).map((r) => r.about);
    const named = (kind: string) => about.filter((a) => a.startsWith(kind)).map((a) => a.slice(1));
    const requests = named('r');
    const byRequest =
      requests.length === 0
        ? []
        : await this.rows<{ about: string }>(`${of} AND request IN {requests:Array(String)}`, {
            ...parameters,
            requests,
          });
    const units = [...new Set([...named('u'), ...byRequest.map((r) => r.about.slice(1))])];
    return units.length === 0 ? [] : this.read(rollout, needed, { condition: 'unit IN {units:Array(String)}', units });
  }

  /** @param which a condition on units, and either them or a condition on what their outcomes are about */
  private async read(rollout: Rollout, { names, outputs }: Needed, which: Which): Promise<UnitRows[]> {
    const parameters = { ...rolloutParameters(rollout), names, outputs, units: 'units' in which ? which.units : [] };
    const read = outputs.length > 0 ? OUTPUTS : '[]';
    const lines = await this.rows<Line>(
      `SELECT unit, row, ${read} AS outputs FROM slipway.unit_exposures WHERE ${OF_ROLLOUT} AND ${which.condition}`,
      parameters,
    );
    const found = new Map<string, { exposures: UnitRows['exposures'][number][]; posted: Map<string, Posted[]> }>();
    const unitsOf = new Map<string, string[]>();
    for (const line of lines) {
      const exposure = readExposure(line.row, outputsOf(outputs, line.outputs));
      const unit = found.get(line.unit);
      if (unit) unit.exposures.push(exposure);
      else found.set(line.unit, { exposures: [exposure], posted: new Map() });
      if (names.length > 0) addTo(unitsOf, exposure.requestId, line.unit);
    }
    if (names.length === 0 || found.size === 0) return [...found.values()];
    const facts = await this.rows<{ fact: Fact }>(
      `SELECT (name, about, event_id, toUnixTimestamp64Milli(arrived_at), toUnixTimestamp64Milli(time), value,
         toFloat64OrNull(value), number, kafka_partition, kafka_offset) AS fact
       FROM slipway.unit_outcomes
       WHERE ${OF_NAMES} AND ${'about' in which ? which.about : 'about IN {about:Array(String)}'}`,
      {
        ...parameters,
        about:
          'about' in which ? [] : [...found.keys()].map((u) => `u${u}`).concat([...unitsOf.keys()].map((r) => `r${r}`)),
      },
    );
    for (const { fact } of facts) {
      const { name, about, posted } = readPosted(fact);
      const of = new Set(posted.requestId === null ? [about] : (unitsOf.get(about) ?? []));
      for (const unit of of) {
        const known = found.get(unit)?.posted;
        if (known) addTo(known, name, posted);
      }
    }
    return [...found.values()];
  }

  private async rows<T>(query: string, query_params: Record<string, unknown>): Promise<T[]> {
    const result = await this.clickhouse.query({
      query,
      query_params,
      format: 'JSONEachRow',
      // Reading by one thread costs half of what several cost together: what is read is small.
      clickhouse_settings: { max_threads: 1, optimize_move_to_prewhere: 0 },
    });
    return result.json<T>();
  }
}

const OUTPUTS = `arrayMap(name -> (mapContains(outputs, name), outputs[name], toFloat64OrNull(outputs[name]),
  slipway_is_list(outputs[name])), {outputs:Array(String)})`;

function addTo<V>(lists: Map<string, V[]>, key: string, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

const NO_OUTPUTS = {};

function outputsOf(names: readonly string[], read: Line['outputs']): Record<string, Output> {
  if (read.length === 0) return NO_OUTPUTS;
  return Object.fromEntries(
    read.flatMap(([there, text, number, list], i) => (there ? [[names[i] as string, { text, number, list }]] : [])),
  );
}

function readPosted([name, about, id, arrived, time, value, parsed, number, partition, offset]: Fact) {
  const key = about.slice(1);
  const requestId = about.startsWith('r') ? key : null;
  const posted: Posted = { id, requestId, arrived, time, value, parsed, number, partition, offset };
  return { name, about: key, posted };
}

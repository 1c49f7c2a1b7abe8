import { Controller, Inject } from '@nestjs/common';
import { type OutcomeInput, type OutcomeRow, routerApi, topics } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import { type Asked, counter, encodeValue, Operation, steadyNow } from '@slipway/platform';
import { v7 as uuidv7 } from 'uuid';
import { RowJournal } from '../journal/rows.journal.ts';
import { OutcomeNames } from './outcome-names.store.ts';
import { requirePlausibleTimes } from './plausible-time.ts';
import { RouteTable } from '../routing/route-table.ts';

const { outcomes } = routerApi;
export const OUTCOME_JOURNAL = Symbol('outcome journal');
export const ROUTER_NAME = Symbol('router name');
const unreadTotal = counter(
  'slipway_router_outcomes_unread_total',
  'Outcomes with a name that no metric reads and no earlier outcome had',
  ['endpoint'],
);
const outcomesTotal = counter('slipway_router_outcomes_total', 'Outcomes taken', ['endpoint']);

/** Largest number of names in a warning, both of unread names and of those that metrics read. */
const MOST_WARNINGS = 20;

/** Takes outcomes of predictions; 202 means that they are in the journal. */
@Controller()
export class OutcomeController {
  private readonly journal: RowJournal;
  private readonly routes: RouteTable;
  private readonly names: OutcomeNames;
  private readonly source: string;
  constructor(
    @Inject(OUTCOME_JOURNAL) journal: RowJournal,
    routes: RouteTable,
    names: OutcomeNames,
    @Inject(ROUTER_NAME) source: string,
  ) {
    this.names = names;
    this.journal = journal;
    this.routes = routes;
    this.source = source;
  }

  @Operation(outcomes.post)
  post({ body }: Asked<typeof outcomes.post>) {
    const now = steadyNow();
    const given = 'outcomes' in body ? body.outcomes : [body];
    for (const o of given) this.routes.require(o.endpoint);
    requirePlausibleTimes(given, now);
    const rows = given.map(
      (o): OutcomeRow => ({
        event_id: o.event_id ?? uuidv7(),
        type: 'slipway.outcome.v1',
        source: this.source,
        time: o.time ?? now,
        endpoint: o.endpoint,
        name: o.name,
        value: o.value,
        unit: o.unit ?? '',
        request_id: o.request_id ?? '',
      }),
    );
    if (
      !this.journal.append([Buffer.from(rows.map((r) => `${encodeValue(topics.outcomes, r)}\n`).join(''))], rows.length)
    )
      throw new ProblemError('journal_full', 'the journal cannot take the outcome; send it again later');
    for (const r of rows) outcomesTotal.inc({ endpoint: r.endpoint });
    const warnings = this.unread(given);
    return { event_ids: rows.map((r) => r.event_id), ...(warnings.length > 0 ? { warnings } : {}) };
  }

  /** A misspelt name is a valid name, so the sender of a name that no metric reads is warned, once. */
  private unread(outcomes: readonly OutcomeInput[]): string[] {
    const fresh = new Map<string, Set<string>>();
    for (const { endpoint, name } of outcomes) {
      if (this.names.has(endpoint, name)) continue;
      const names = fresh.get(endpoint);
      if (names) names.add(name);
      else fresh.set(endpoint, new Set([name]));
    }
    return [...fresh].flatMap(([endpoint, names]) => {
      this.names.add(endpoint, names);
      const known = this.routes.get(endpoint)?.outcome_names ?? [];
      const unread = [...names].filter((name) => !known.includes(name));
      if (unread.length === 0) return [];
      unreadTotal.inc({ endpoint }, unread.length);
      const more = unread.length > MOST_WARNINGS ? [`and ${unread.length - MOST_WARNINGS} more of "${endpoint}"`] : [];
      const read = known.slice(0, MOST_WARNINGS).join(', ') + (known.length > MOST_WARNINGS ? ', …' : '');
      return [
        ...unread
          .slice(0, MOST_WARNINGS)
          .map(
            (name) =>
              `"${name}": no metric reads this outcome, and "${endpoint}" has had none of that name; metrics read: ` +
              `${read || 'none'}`,
          ),
        ...more,
      ];
    });
  }
}

import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { type OutcomeRow, outcomesBodySchema, parseOrProblem, ProblemError } from '@slipway/contracts';
import { counter, steadyNow } from '@slipway/platform';
import { v7 as uuidv7 } from 'uuid';
import { portableJson } from '../inference/portable-json.ts';
import { RowJournal } from '../journal/rows.journal.ts';
import { RouteTable } from '../routing/route-table.ts';

export const OUTCOME_JOURNAL = Symbol('outcome journal');
export const ROUTER_NAME = Symbol('router name');
const outcomesTotal = counter('slipway_router_outcomes_total', 'Outcomes taken', ['endpoint']);

/** Services post what became of their predictions; 202 means that it is in the journal. */
@Controller('v1/outcomes')
export class OutcomeController {
  private readonly journal: RowJournal;
  private readonly routes: RouteTable;
  private readonly source: string;
  constructor(@Inject(OUTCOME_JOURNAL) journal: RowJournal, routes: RouteTable, @Inject(ROUTER_NAME) source: string) {
    this.journal = journal;
    this.routes = routes;
    this.source = source;
  }

  @Post()
  @HttpCode(202)
  post(@Body() body: unknown) {
    const input = parseOrProblem(outcomesBodySchema, body);
    const now = steadyNow();
    const outcomes = 'outcomes' in input ? input.outcomes : [input];
    const unknown = outcomes.find((o) => !this.routes.get(o.endpoint));
    if (unknown) throw new ProblemError('unknown_endpoint', `there is no endpoint "${unknown.endpoint}"`);
    const rows = outcomes.map(
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
    if (!this.journal.append([Buffer.from(rows.map((r) => `${portableJson(r)}\n`).join(''))], rows.length))
      throw new ProblemError('journal_full', 'the journal cannot take the outcome; send it again later');
    for (const r of rows) outcomesTotal.inc({ endpoint: r.endpoint });
    return { event_ids: rows.map((r) => r.event_id) };
  }
}

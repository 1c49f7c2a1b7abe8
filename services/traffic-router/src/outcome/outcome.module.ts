import { topics } from '@slipway/contracts';
import { type Feature, provided } from '@slipway/platform';
import type { OpenJournal } from '../journal/journal.module.ts';
import type { RowJournal } from '../journal/rows.journal.ts';
import { OutcomeNames } from './outcome-names.store.ts';
import { OUTCOME_JOURNAL, OutcomeController, ROUTER_NAME } from './outcome.controller.ts';

/** What became of predictions, as services post it. */
export function outcomeFeature(
  openJournal: OpenJournal,
  config: { DATA_DIR: string; INSTANCE_ID: string; JOURNAL_MAX_BYTES: number },
): { outcomes: RowJournal; feature: Feature } {
  const outcomes = openJournal('outcomes', config.JOURNAL_MAX_BYTES, { topic: topics.outcomes });
  return {
    outcomes,
    feature: {
      controllers: [OutcomeController],
      providers: [
        provided(OutcomeNames, new OutcomeNames(config.DATA_DIR)),
        { provide: OUTCOME_JOURNAL, useValue: outcomes },
        { provide: ROUTER_NAME, useValue: config.INSTANCE_ID },
      ],
    },
  };
}

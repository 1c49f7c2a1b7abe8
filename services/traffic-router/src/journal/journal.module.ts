import { join } from 'node:path';
import { type Feature, measured, type RecordProducer, type ServiceContext } from '@slipway/platform';
import { type JournalContent, RowJournal } from './rows.journal.ts';

/** Opens a journal in a folder of that name, bounded in bytes. */
export type OpenJournal = (name: string, maxBytes: number, content: JournalContent) => RowJournal;

/** The journals of this router: all are shipped from its start on, and at its stop, at the same time, what is left. */
export function journals(
  producer: RecordProducer,
  config: { DATA_DIR: string },
  { log, onClose }: ServiceContext,
): { openJournal: OpenJournal; feature: Feature } {
  const all = new Map<string, RowJournal>();
  onClose('journals', async () => void (await Promise.all([...all.values()].map((journal) => journal.close()))));
  const each = (read: (journal: RowJournal) => number) => () =>
    [...all].map(([name, journal]) => ({ labels: { journal: name }, value: read(journal) }));
  measured(
    'slipway_router_journal_bytes',
    'Bytes in the journal that Kafka has not acknowledged',
    ['journal'],
    each((journal) => journal.waitingBytes),
  );
  measured(
    'slipway_router_journal_refused_rows',
    'Rows that the journal did not take',
    ['journal'],
    each((journal) => journal.refused),
  );
  return {
    openJournal: (name, maxBytes, content) => {
      const journal = new RowJournal({
        ...content,
        folder: join(config.DATA_DIR, 'journal', name),
        producer,
        log,
        maxBytes,
      });
      all.set(name, journal);
      return journal;
    },
    feature: {
      started: () => {
        for (const journal of all.values()) journal.start();
      },
    },
  };
}

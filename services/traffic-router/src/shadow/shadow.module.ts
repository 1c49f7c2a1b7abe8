import { topics } from '@slipway/contracts';
import type { RecordProducer, ServiceContext } from '@slipway/platform';
import type { OpenJournal } from '../journal/journal.module.ts';
import type { RowJournal } from '../journal/rows.journal.ts';
import { shadowRecord } from './shadow-line.ts';
import { ShadowTap } from './shadow-tap.client.ts';

/** Takes sampled requests aside for the shadow. */
export function shadowTap(
  openJournal: OpenJournal,
  producer: RecordProducer,
  config: { INSTANCE_ID: string; SHADOW_JOURNAL_MAX_BYTES: number },
  { log }: ServiceContext,
): { shadow: ShadowTap; shadows: RowJournal } {
  // What waits for the shadow is bounded tightly: it is worth less than the rows.
  const shadows = openJournal('shadow-requests', config.SHADOW_JOURNAL_MAX_BYTES, {
    topic: topics.shadowRequests,
    record: shadowRecord,
  });
  return { shadow: new ShadowTap(shadows, producer, config.INSTANCE_ID, log), shadows };
}

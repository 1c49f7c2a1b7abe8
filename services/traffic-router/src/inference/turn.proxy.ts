import type { Logger } from '@slipway/platform';
import type { RowJournal } from '../journal/rows.journal.ts';
import type { Sampled, ShadowTap } from '../shadow/shadow-tap.client.ts';

/** An answer that may leave when its row is journalled. */
export type Finished = {
  line: (sequence: number) => Buffer[];
  shadow: Sampled | undefined;
  send: (journalled: boolean) => void;
};

export type TurnParts = {
  journal: Pick<RowJournal, 'append'>;
  shadow: Pick<ShadowTap, 'journal'>;
  journalFull: 'count' | 'refuse';
  log: Logger;
};

/**
 * The answers of one turn of the event loop: their rows are numbered and appended to the journal by one write before
 * they leave.
 */
export class Turn {
  private readonly parts: TurnParts;
  private sequence = 0;
  private finished: Finished[] = [];

  constructor(parts: TurnParts) {
    this.parts = parts;
  }

  add(finished: Finished): void {
    if (this.finished.length === 0) setImmediate(this.flush);
    this.finished.push(finished);
  }

  /** Sends what is finished. */
  readonly flush = (): void => {
    if (this.finished.length === 0) return;
    const turn = this.finished;
    this.finished = [];
    // First, so that a row that says "sampled" always has its shadow request.
    this.parts.shadow.journal(turn.flatMap((f) => (f.shadow ? [f.shadow] : [])));
    const journalled = this.parts.journal.append(
      turn.flatMap((f, i) => f.line(this.sequence + i)),
      turn.length,
    );
    // Answers are numbered, so a request that is refused because its row could not be written leaves no gap.
    if (journalled || this.parts.journalFull === 'count') this.sequence += turn.length;
    for (const f of turn)
      try {
        f.send(journalled);
      } catch (error) {
        this.parts.log.error({ err: error }, 'an answer could not be sent');
      }
  };
}

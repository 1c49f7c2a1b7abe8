import { type Evidence, isFresh, isNews, isReplacedBy, type ReceivedEvidence, validityMs } from '@slipway/release';

/** What Postgres has of an analyser's evidence: which piece, and its time of freshness. */
type Stored = { eventId: string; receivedAt: number };
type Entry = { last: ReceivedEvidence; stored: Stored };

export type Refresh = { rolloutId: string; analyser: string; eventId: string; receivedAt: number };

/**
 * The latest evidence of each analyser on each rollout, in memory, so that repeats need no statement. Postgres has the
 * first piece of a run of repeats and the arrival of the last one, which is updated before half of the validity is
 * over, so that repeated evidence never looks expired there.
 */
export class EvidenceBook {
  private readonly rollouts = new Map<string, Map<string, Entry>>();

  /** What Postgres has of a rollout. */
  learn(rolloutId: string, latest: readonly ReceivedEvidence[]): void {
    this.rollouts.set(rolloutId, new Map());
    for (const received of latest) this.store(received);
  }

  knows(rolloutId: string): boolean {
    return this.rollouts.has(rolloutId);
  }

  /**
   * Classification of evidence on a known rollout: `news` must be stored and acted upon, `same` only shows that the
   * analyser is alive, `old` is ignored.
   */
  take(next: ReceivedEvidence): 'news' | 'same' | 'old' {
    const { rollout_id, analyser } = next.evidence;
    const entry = this.rollouts.get(rollout_id)?.get(analyser);
    if (!entry) return 'news';
    if (!isReplacedBy(entry.last, next)) return 'old';
    if (isNews(entry.last, next)) return 'news';
    entry.last = next;
    return 'same';
  }

  /** Records that Postgres has this now. */
  store(received: ReceivedEvidence): void {
    const { rollout_id, analyser, event_id } = received.evidence;
    const stored = { eventId: event_id, receivedAt: received.receivedAt };
    this.rollouts.get(rollout_id)?.set(analyser, { last: withoutNumbers(received), stored });
  }

  /** The updates due in Postgres; expired evidence is forgotten, and read again when its analyser publishes. */
  due(now: number): Refresh[] {
    const refreshes: Refresh[] = [];
    for (const [rolloutId, analysers] of this.rollouts) {
      for (const [analyser, { last, stored }] of analysers) {
        const behindMs = last.receivedAt - stored.receivedAt;
        if (behindMs > 0 && behindMs * 2 >= validityMs(last.evidence))
          refreshes.push({ rolloutId, analyser, eventId: stored.eventId, receivedAt: last.receivedAt });
      }
      if ([...analysers.values()].every(({ last }) => !isFresh(last, now))) this.rollouts.delete(rolloutId);
    }
    return refreshes;
  }

  refreshed({ rolloutId, analyser, receivedAt }: Refresh): void {
    const entry = this.rollouts.get(rolloutId)?.get(analyser);
    if (entry) entry.stored.receivedAt = receivedAt;
  }

  /** Another registry may have stored something since, so Postgres is read again. */
  forget(rolloutId?: string): void {
    if (rolloutId === undefined) this.rollouts.clear();
    else this.rollouts.delete(rolloutId);
  }
}

/** The numbers are for people, in the log and on the topic: decisions do not use them. */
export function withoutNumbers({ evidence, receivedAt }: ReceivedEvidence): ReceivedEvidence {
  const lean: Evidence = { ...evidence, numbers: {} };
  return { evidence: lean, receivedAt };
}

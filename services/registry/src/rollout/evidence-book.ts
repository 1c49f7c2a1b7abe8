import { type Evidence, isFresh, isNews, isReplacedBy, type ReceivedEvidence, validityMs } from '@slipway/release';

/** What Postgres has of an analyser: which piece, and how fresh it is there. */
type Stored = { eventId: string; receivedAt: number };
type Entry = { last: ReceivedEvidence; stored: Stored };

export type Refresh = { rolloutId: string; analyser: string; eventId: string; receivedAt: number };

/**
 * What each analyser has said last of each rollout, in memory: what repeats what was said costs no statement. Postgres
 * has the first piece of a run of repeats, and how fresh the last one is; it is told of that before half of the time
 * is over for which evidence counts, so that nothing looks expired there of which the analyser still speaks.
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
   * What follows from a piece of evidence on a rollout that is known: `news` has to be stored and acted upon, `same`
   * says only that the analyser is still there, `old` says nothing.
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

  /** Postgres has this now. */
  store(received: ReceivedEvidence): void {
    const { rollout_id, analyser, event_id } = received.evidence;
    const stored = { eventId: event_id, receivedAt: received.receivedAt };
    this.rollouts.get(rollout_id)?.set(analyser, { last: withoutNumbers(received), stored });
  }

  /** What Postgres should be told now; what has expired is forgotten, and asked for again when somebody speaks. */
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

  /** Another registry may have stored something since: Postgres is asked again. */
  forget(rolloutId?: string): void {
    if (rolloutId === undefined) this.rollouts.clear();
    else this.rollouts.delete(rolloutId);
  }
}

/** The numbers are for people, in the log and on the topic: no decision needs them. */
export function withoutNumbers({ evidence, receivedAt }: ReceivedEvidence): ReceivedEvidence {
  const lean: Evidence = { ...evidence, numbers: {} };
  return { evidence: lean, receivedAt };
}

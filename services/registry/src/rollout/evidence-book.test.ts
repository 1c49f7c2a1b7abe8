import type { Evidence, ReceivedEvidence, Verdict } from '@slipway/release';
import { describe, expect, it } from 'vitest';
import { EvidenceBook } from './evidence-book.ts';

const rollout = '0198c0de-0000-7000-8000-000000000001';
/** Valid for ten seconds. */
const said = (sequence: number, receivedAt: number, verdict: Verdict = 'hold', analyser = 'a'): ReceivedEvidence => ({
  evidence: {
    event_id: `event ${sequence}`,
    rollout_id: rollout,
    source: 's',
    time: 0,
    expires_at: 10_000,
    step: 0,
    revision: { epoch: 1, n: 1 },
    analyser,
    sequence,
    verdict,
    reasons: ['x'],
    arms: [],
    numbers: { sequence },
  } as unknown as Evidence,
  receivedAt,
});
const knowing = (...latest: ReceivedEvidence[]) => {
  const book = new EvidenceBook();
  book.learn(rollout, latest);
  return book;
};

describe('the book of evidence', () => {
  it.each([
    ["an analyser's first evidence", said(1, 0, 'hold', 'other'), 'news'],
    ['the same again', said(2, 1000), 'same'],
    ['another verdict', said(2, 1000, 'advance'), 'news'],
    ['the same after a silence', said(2, 10_000), 'news'],
    ['a repeat', said(1, 1000), 'old'],
    ['an older piece', said(0, 1000, 'advance'), 'old'],
  ])('%s', (_, next, what) => {
    expect(knowing(said(1, 0)).take(next)).toBe(what);
  });

  it('refreshes Postgres before half of the validity of repeated evidence is over, and once', () => {
    const book = knowing(said(1, 0));
    for (let i = 2; i <= 5; i++) book.take(said(i, (i - 1) * 1000));
    expect(book.due(4000)).toEqual([]);
    book.take(said(6, 5000));
    const [refresh, ...more] = book.due(5000);
    expect([refresh, more]).toEqual([{ rolloutId: rollout, analyser: 'a', eventId: 'event 1', receivedAt: 5000 }, []]);
    if (refresh) book.refreshed(refresh);
    expect(book.due(5000)).toEqual([]);
  });

  it('replaces a valid rollBack with nothing milder, while it is repeated', () => {
    const book = knowing(said(1, 0, 'rollBack'));
    expect(book.take(said(2, 9000, 'rollBack'))).toBe('same');
    expect(book.take(said(3, 12_000, 'hold'))).toBe('old');
    expect(book.take(said(4, 19_000, 'hold'))).toBe('news');
  });

  it('forgets rollouts without new evidence', () => {
    const book = knowing(said(1, 0));
    book.due(9999);
    expect(book.knows(rollout)).toBe(true);
    book.due(10_000);
    expect(book.knows(rollout)).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { type Evidence, type Verdict } from './evidence.ts';
import { isChangeOfMind, isFresh, isNews, isPresent, isReplacedBy, type ReceivedEvidence } from './precedence.ts';
import { createdRollout, evidenceSaying } from './rollout.fixture.ts';

const ids = ['0198c0de-0000-7000-8000-000000000001', '0198c0de-0000-7000-8000-000000000002'] as const;
/** Evidence that is valid for ten seconds from its arrival at `receivedAt`, milliseconds. */
const says = (verdict: Verdict, receivedAt: number, change: Partial<Evidence> = {}): ReceivedEvidence => ({
  evidence: evidenceSaying(verdict, { event_id: ids[0], time: 50, expires_at: 10_050, sequence: 1, ...change }),
  receivedAt,
});
const later = (verdict: Verdict, receivedAt: number, change: Partial<Evidence> = {}) =>
  says(verdict, receivedAt, { event_id: ids[1], sequence: 2, ...change });

/** A hold because of one of several arms. */
const harms = (arm: string, receivedAt: number, change: Partial<Evidence> = {}) =>
  says('hold', receivedAt, { arms: [{ arm, verdict: 'rollBack', reasons: ['x'], sentence: 's' }], ...change });

describe('the latest evidence of an analyser', () => {
  it.each<[string, ReceivedEvidence | undefined, ReceivedEvidence, boolean]>([
    ['is the first one', undefined, says('hold', 0), true],
    ['a hold is replaced by an advance', says('hold', 0), later('advance', 1), true],
    ['an advance is replaced by a hold', says('advance', 0), later('hold', 1), true],
    ['anything is replaced by a rollBack', says('advance', 0), later('rollBack', 1), true],
    ['a rollBack is replaced by a newer one', says('rollBack', 0), later('rollBack', 1), true],
    ['a rollBack is not replaced by a hold while it is valid', says('rollBack', 0), later('hold', 9999), false],
    ['a rollBack is not replaced by an advance either', says('rollBack', 0), later('advance', 9999), false],
    [
      'a rollBack is not replaced by evidence of another process',
      says('rollBack', 0),
      later('advance', 9999, { source: 'b', sequence: 0 }),
      false,
    ],
    ['but it is replaced by a hold when it has expired', says('rollBack', 0), later('hold', 10_000), true],
    ['what harms one arm not to what spares it', harms('b', 0), later('hold', 9999), false],
    ['nor to what harms another one', harms('b', 0), harms('c', 9999, { event_id: ids[1], sequence: 2 }), false],
    [
      'but to what harms another one once the first was withdrawn',
      harms('b', 0),
      harms('c', 9999, { event_id: ids[1], sequence: 2, revision: { epoch: 1, n: 9 } }),
      true,
    ],
    ['but to what ends the rollout', harms('b', 0), later('rollBack', 1), true],
    ['evidence is not replaced by a repeated delivery', says('hold', 0), says('hold', 1), false],
    [
      'evidence is not replaced by older evidence of the same process',
      says('hold', 0, { sequence: 2 }),
      later('advance', 1, { sequence: 1 }),
      false,
    ],
    [
      'but it is replaced by evidence of a restarted process',
      says('hold', 0),
      later('advance', 1, { source: 'b', sequence: 0 }),
      true,
    ],
  ])('gives way: %s', (_, last, next, replaced) => {
    expect(isReplacedBy(last, next)).toBe(replaced);
  });
});

describe('evidence', () => {
  it('is valid from its arrival for its own duration, whatever the clock of its analyser', () => {
    expect(isFresh(says('hold', 500, { time: 9e12, expires_at: 9e12 + 100 }), 599)).toBe(true);
    expect(isFresh(says('hold', 500, { time: 9e12, expires_at: 9e12 + 100 }), 600)).toBe(false);
  });
  it('is current only at exactly the present revision and step', () => {
    const rollout = { ...createdRollout([{ switch: {} }]), revision: { epoch: 1, n: 7 }, step: 0 };
    expect(isPresent(says('advance', 0), rollout)).toBe(true);
    expect(isPresent(says('advance', 0, { step: 1 }), rollout)).toBe(false);
    expect(isPresent(says('advance', 0, { revision: { epoch: 1, n: 8 } }), rollout)).toBe(false);
    expect(isPresent(says('advance', 0, { revision: { epoch: 0, n: 7 } }), rollout)).toBe(false);
  });
  it('changes with another step, verdict or reason, and not with other numbers', () => {
    const { evidence } = says('hold', 0);
    expect(isChangeOfMind(undefined, evidence)).toBe(true);
    expect(isChangeOfMind(evidence, { ...evidence, event_id: ids[1], sentence: 'x', numbers: { n: 2 } })).toBe(false);
    expect(isChangeOfMind(evidence, { ...evidence, step: 1 })).toBe(true);
    expect(isChangeOfMind(evidence, { ...evidence, verdict: 'advance' })).toBe(true);
    expect(isChangeOfMind(evidence, { ...evidence, reasons: ['y'] })).toBe(true);
  });
  it.each<[string, ReceivedEvidence | undefined, ReceivedEvidence, boolean]>([
    ['the first word', undefined, later('hold', 1), true],
    ['the same with other numbers', says('hold', 0), later('hold', 9999, { numbers: { n: 2 }, sentence: 'x' }), false],
    ['another mind', says('hold', 0), later('advance', 1), true],
    ['another mind about one arm', says('hold', 0), harms('b', 1, { event_id: ids[1], sequence: 2 }), true],
    ['the same for a new revision', says('hold', 0), later('hold', 1, { revision: { epoch: 1, n: 8 } }), true],
    ['the same for longer', says('hold', 0), later('hold', 1, { expires_at: 10_051 }), true],
    ['the same after a silence', says('hold', 0), later('hold', 10_000), true],
  ])('is news, or says only that the analyser is there: %s', (_, last, next, news) => {
    expect(isNews(last, next)).toBe(news);
  });
});

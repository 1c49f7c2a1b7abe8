import { describe, expect, it } from 'vitest';
import { winnerOf } from './arms.ts';
import { decide, type Decision } from './decide.ts';
import type { ArmVerdict, Evidence, Verdict } from './evidence.ts';
import { createdRollout, evidenceSaying, NOW, policy, worldOf } from './rollout.fixture.ts';
import type { Rollout } from './rollout.ts';
import { activate, advance, enterStep, isObeyed, obey, withdraw } from './transitions.ts';

const candidates = ['b', 'c', 'd'].map((name, i) => ({ name, model: 'spam', version: i + 2 }));
const experiment = { experiment: { goal: 'kept', split: [40, 20, 20, 20] } };
const created = (rest: object = {}) => ({
  ...createdRollout([{ dark: {} }, experiment], { candidates, ...rest }),
  revision: { epoch: 1, n: 7 },
  started_at: NOW - 40_000,
});
const running = (rest: object = {}): Rollout => activate(enterStep(created(rest), 1, NOW - 20_000), NOW - 20_000);

const capacity = { candidateWarm: 4, controlWarm: 4, able: 4 };
const warm = (over: Record<string, number> = {}) => ({
  ...worldOf(capacity),
  candidates: Object.fromEntries(
    ['b', 'c', 'd'].map((name) => [
      name,
      { capacity: { ...capacity, candidateWarm: over[name] ?? 4 }, failure: undefined },
    ]),
  ),
});
const said = (arm: string, verdict: Verdict): ArmVerdict => ({
  arm,
  verdict,
  reasons: ['x'],
  sentence: `${arm} it is.`,
});
const decided = (rollout: Rollout, verdict: Verdict, change: Partial<Evidence>, world = warm()): Decision =>
  decide(
    rollout,
    [{ evidence: evidenceSaying(verdict, { step: rollout.step, ...change }), receivedAt: NOW - 100 }],
    NOW,
    world,
    policy,
  );

describe('a rollout of several candidates', () => {
  it('begins a step once each of them is warm for its own part', () => {
    const preparing = enterStep(created(), 1, NOW);
    expect(decide(preparing, [], NOW, warm({ b: 1, c: 1, d: 1 }), policy).kind).toBe('activate');
    expect(decide(preparing, [], NOW, warm({ d: 0 }), policy)).toMatchObject({
      kind: 'none',
      why: '0 of the 1 workers that its traffic needs have had the candidate "d" warm',
    });
  });

  it('is promoted to the one that wins, and to nobody without a winner', () => {
    const arms = [said('b', 'hold'), said('c', 'advance'), said('d', 'hold')];
    const decision = decided(running(), 'advance', { arms });
    expect(decision).toMatchObject({ kind: 'advance', winner: 'c' });
    const promoted = advance(running(), 'why', null, NOW, 'c');
    expect(promoted).toMatchObject({ status: 'promoted', winner: 'c' });
    expect(winnerOf(promoted)).toEqual({ name: 'c', model: 'spam', version: 3 });
    expect(decided(running(), 'advance', { arms }, warm({ c: 1 }))).toMatchObject({
      kind: 'hold',
      sentence: expect.stringContaining('1 of the 4 workers that its traffic needs have had the candidate "c" warm'),
    });
    expect(decided(running(), 'advance', { arms: [said('b', 'advance'), said('c', 'advance')] }).kind).toBe('none');
  });

  it('pauses where several are better', () => {
    const decision = decided(running(), 'hold', { reasons: ['several_arms_better'], sentence: 'b and c are.' });
    expect(decision).toMatchObject({ kind: 'pause', sentence: 'several_arms_better: b and c are.' });
  });

  it('loses the one that harms, and goes on with the others, whose shares stay', () => {
    const harmful = { arms: [said('b', 'hold'), said('c', 'rollBack'), said('d', 'hold')] };
    expect(decided(running(), 'hold', harmful)).toMatchObject({ kind: 'withdraw', arm: 'c', sentence: 'c it is.' });
    const left = withdraw(running(), 'c', 'c it is.', null, NOW);
    expect(left).toMatchObject({
      weight: 0.6,
      withdrawn: [{ arm: 'c' }],
      reason: 'Withdrew the candidate "c": c it is.',
    });
    expect(decided(left, 'hold', harmful).kind).toBe('none');
    expect(decided(left, 'rollBack', { arms: [said('b', 'rollBack'), said('d', 'rollBack')] }).kind).toBe('rollBack');
    expect(decided(withdraw(left, 'b', '', null, NOW), 'hold', { arms: [said('d', 'rollBack')] }).kind).toBe(
      'rollBack',
    );
    expect(decided(running({ onFailure: 'pause' }), 'hold', harmful).kind).toBe('pause');
  });

  it('takes commands on one arm: withdraw, and promote at its end', () => {
    const command = (rollout: Rollout, name: 'withdraw' | 'promote' | 'pause', arm?: string) =>
      obey(rollout, { command: name, reason: '', arm }, 'op', NOW);
    const left = command(command(running(), 'withdraw', 'b'), 'withdraw', 'c');
    expect(left.withdrawn?.map((w) => w.arm)).toEqual(['b', 'c']);
    expect(isObeyed(left, { command: 'withdraw', arm: 'c' })).toBe(true);
    expect(() => command(left, 'withdraw', 'd')).toThrow('the last candidate');
    expect(command(left, 'promote', 'd')).toMatchObject({ status: 'promoted', winner: 'd' });
    expect(() => command(running(), 'promote')).toThrow('arm: is missing; the candidates are b, c, d');
    expect(() => command(left, 'promote', 'b')).toThrow('"b" is not a candidate of this rollout; the candidates are d');
    expect(() => command(running(), 'pause', 'b')).toThrow('"pause" applies to the whole rollout');
  });
});

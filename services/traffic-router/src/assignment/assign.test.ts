import { assign, assignmentPoint } from '@slipway/routing';
import type { Branch, Route, Target } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { RouteTable } from '../routing/route-table.ts';

const target = (version: number): Target => ({
  model: 'spam',
  version,
  addresses: [],
  protocol: 'oip',
  workers: true,
  price: 0,
});
const rolledOut = (weight: number): Branch => ({
  name: 'main',
  unit: 'user',
  signature: { inputs: [], outputs: [] },
  target: target(1),
  rollout: {
    id: 'r',
    step: 0,
    salt: 'r',
    arms: [
      { name: 'control', target: target(1), share: 1 - weight },
      { name: 'candidate', target: target(2), share: weight },
    ],
    shadow: null,
  },
});
const branch = rolledOut(0.3);
const route: Route = {
  endpoint: 'spam',
  revision: { epoch: 1, n: 5 },
  published_at: 0,
  branches: [branch],
  lease_ms: 1000,
  timeout_ms: 1000,
  outcome_names: [],
};
const at = (n: number, epoch = 1) => ({ ...route, revision: { epoch, n } });

describe('assign', () => {
  it('randomises by the published hash, with the probability of the arm', () => {
    for (let i = 0; i < 50; i++) {
      const isIn = assignmentPoint('r', `u${i}`) < 0.3;
      expect(assign({ branch, unit: `u${i}`, leaseHolds: true })).toMatchObject({
        arm: { name: isIn ? 'candidate' : 'control', target: { version: isIn ? 2 : 1 } },
        reason: 'randomised',
        probability: isIn ? 0.3 : 0.7,
      });
    }
  });
  it.each([
    ['no unit', { branch, unit: '', leaseHolds: true }, 'no_unit'],
    ['an expired lease', { branch, unit: 'u', leaseHolds: false }, 'lease_expired'],
    ['no rollout', { branch: { ...branch, rollout: null }, unit: 'u', leaseHolds: true }, 'rule'],
    ['a rollout without traffic', { branch: rolledOut(0), unit: 'u', leaseHolds: true }, 'rule'],
  ])('serves control on %s, which is not an exposure', (_, input, reason) => {
    expect(assign(input)).toMatchObject({ arm: { name: 'control' }, reason, probability: 1 });
  });
  it('gives the units of a withdrawn candidate to control, and changes nobody else', () => {
    const arms = [
      { name: 'control', target: target(1), share: 0.4 },
      { name: 'b', target: target(2), share: 0.3 },
      { name: 'c', target: target(3), share: 0.3 },
    ];
    const of = (all: typeof arms) => ({ ...branch, rollout: branch.rollout && { ...branch.rollout, arms: all } });
    const without = of(arms.map((a) => (a.name === 'b' ? { ...a, target: target(1), withdrawn: true as const } : a)));
    for (let i = 0; i < 50; i++) {
      const before = assign({ branch: of(arms), unit: `u${i}`, leaseHolds: true });
      const after = assign({ branch: without, unit: `u${i}`, leaseHolds: true });
      if (before?.arm.name === 'b')
        expect(after).toMatchObject({ arm: { name: 'control' }, reason: 'withdrawn', probability: 1 });
      else expect(after).toMatchObject({ arm: before?.arm, reason: 'randomised', probability: before?.probability });
    }
    expect(assign({ branch: without, unit: 'u', leaseHolds: true, forced: 2 })).toBeUndefined();
  });
  it('forces only versions of the branch', () => {
    for (const [forced, name] of [
      [2, 'candidate'],
      [1, 'control'],
    ] as const)
      expect(assign({ branch, unit: 'u', leaseHolds: false, forced })).toMatchObject({
        arm: { name },
        reason: 'forced',
      });
    expect(assign({ branch, unit: 'u', leaseHolds: true, forced: 9 })).toBeUndefined();
  });
});

describe('the route table', () => {
  it('applies the highest revision it has seen, whatever arrives later', () => {
    const table = new RouteTable(() => 0);
    expect([at(5), at(4), at(5), at(1, 2), at(9)].map((r) => table.apply('spam', r))).toEqual([
      true,
      false,
      false,
      true,
      false,
    ]);
    expect(table.get('spam')?.revision).toEqual({ epoch: 2, n: 1 });
  });
  it('has a lease only while Kafka was heard of within it', () => {
    let now = 0;
    const table = new RouteTable(() => now);
    expect(table.leaseHolds(route)).toBe(false);
    table.lastContact = () => 500;
    now = 1500;
    expect(table.leaseHolds(route)).toBe(true);
    now = 1501;
    expect(table.leaseHolds(route)).toBe(false);
  });
});

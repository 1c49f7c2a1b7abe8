import { assignArm } from '@slipway/routing';
import { type Route } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { RouteTable } from '../routing/route-table.ts';
import { assign } from '@slipway/routing';

const route = {
  endpoint: 'spam',
  revision: { epoch: 1, n: 5 },
  unit: 'user',
  control: { model: 'spam', version: 1, addresses: [], workers: true },
  candidate: { model: 'spam', version: 2, addresses: [], workers: true },
  rollout: { id: 'r', step: 0, weight: 0.3, salt: 'r' },
  lease_ms: 1000,
} as unknown as Route;
const at = (n: number, epoch = 1) => ({ ...route, revision: { epoch, n } });

describe('assign', () => {
  it('randomises by the published hash, with the probability of the arm', () => {
    for (let i = 0; i < 50; i++) {
      const arm = assignArm('r', `u${i}`, 0.3);
      expect(assign({ route, unit: `u${i}`, leaseHolds: true })).toMatchObject({
        arm,
        reason: 'randomised',
        probability: arm === 'candidate' ? 0.3 : 0.7,
        version: { version: arm === 'candidate' ? 2 : 1 },
      });
    }
  });
  it.each([
    ['no unit', { route, unit: '', leaseHolds: true }, 'no_unit'],
    ['an expired lease', { route, unit: 'u', leaseHolds: false }, 'lease_expired'],
    ['no rollout', { route: { ...route, rollout: null }, unit: 'u', leaseHolds: true }, 'rule'],
  ])('serves control on %s, which is no exposure', (_, input, reason) => {
    expect(assign(input)).toMatchObject({ arm: 'control', reason, probability: 1 });
  });
  it('forces only versions that the route has', () => {
    expect(assign({ route, unit: 'u', leaseHolds: false, forced: 2 })).toMatchObject({
      arm: 'candidate',
      reason: 'forced',
    });
    expect(assign({ route, unit: 'u', leaseHolds: true, forced: 1 })).toMatchObject({
      arm: 'control',
      reason: 'forced',
    });
    expect(assign({ route, unit: 'u', leaseHolds: true, forced: 9 })).toBeUndefined();
  });
});

describe('the route table', () => {
  it('obeys the highest revision it has seen, whatever comes later', () => {
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
  it('holds a lease only while Kafka was heard of within it', () => {
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

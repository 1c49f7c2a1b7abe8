import { describe, expect, it } from 'vitest';
import { Ejections } from './ejections.ts';
import { isOut, orderOf } from './order.ts';
import { targetKey } from './target-key.ts';

const target = {
  model: 'spam',
  version: 1,
  addresses: ['http://a:1', 'http://b:1'],
  protocol: 'oip',
  workers: true,
  price: 0,
};
const candidate = {
  model: 'spam',
  version: 2,
  addresses: ['http://a:1', 'http://c:1'],
  protocol: 'oip',
  workers: true,
  price: 0,
};
const a = targetKey(target, 'http://a:1');
const b = targetKey(target, 'http://b:1');
const keys = (t: typeof target) => t.addresses.map((address) => targetKey(t, address));

/** Acts as a router does: each request takes the next turn, and claims the probe when its order begins with one. */
function requests() {
  const state = { now: 0, turn: 0 };
  const states = new Ejections(() => state.now);
  const order = (t: typeof target, ejectedToo: boolean, beside: (typeof target)[] = []) => {
    const places = orderOf(t, beside, { ejectedToo, states, turn: state.turn++ });
    for (const place of places) if (place.probe) states.claim(place.key);
    return places.map((p) => p.address);
  };
  return { state, states, order, out: (t: typeof target, beside: typeof target) => isOut(t, [beside], states) };
}

describe('targets', () => {
  it('are identified by version and address', () => {});
  it('take turns', () => {
    const { order } = requests();
    expect([order(target, false)[0], order(target, false)[0], order(target, false)[0]]).toEqual([
      'http://a:1',
      'http://b:1',
      'http://a:1',
    ]);
  });
  it('are ejected at once when they refuse connections, otherwise after three failures in a row', () => {
    const { states } = requests();
    expect(states.failed(a, true)).toBe(true);
    expect([states.failed(b, false), states.failed(b, false)]).toEqual([false, false]);
    states.succeeded(b);
    expect([states.failed(b, false), states.failed(b, false), states.failed(b, false)]).toEqual([false, false, true]);
    expect(states.down()).toEqual([a, b].sort());
  });
  it('that are ejected are ordered last, and used only as a last resort', () => {
    const { states, order } = requests();
    states.failed(a, true);
    expect(order(target, false)).toEqual(['http://b:1']);
    expect(order(target, true)).toEqual(['http://b:1', 'http://a:1']);
    expect(order({ ...target, addresses: [] }, true)).toEqual([]);
  });
  it('get one request a second as a probe while they are ejected, and report for how long that has been', () => {
    const { state, states, order } = requests();
    for (const key of keys(candidate)) states.failed(key, true);
    const probes = Array.from({ length: 5000 }, (_, ms) => {
      state.now = ms;
      return order(candidate, false, [target]).length;
    });
    // two addresses, each probed at 1, 2, 3 and 4 s
    expect(probes.reduce((sum, n) => sum + n, 0)).toBe(8);
    expect(states.ejected(candidate, [target])).toEqual(keys(candidate).map((key) => ({ key, ms: 4999 })));
    for (const key of keys(candidate)) states.succeeded(key);
    expect(order(candidate, false, [target])).toHaveLength(2);
    expect(states.ejected(candidate, [target])).toEqual([]);
  });
  it('report whether a version would be tried, without claiming a probe', () => {
    const { state, states, order, out } = requests();
    const [first = '', second = ''] = keys(candidate);
    expect(out(candidate, target)).toBe(false);
    states.failed(first, true);
    expect(out(candidate, target)).toBe(false);
    states.failed(second, true);
    expect(out(candidate, target)).toBe(true);
    state.now = 1000;
    expect([out(candidate, target), out(candidate, target)]).toEqual([false, false]);
    expect(order(candidate, false, [target])).toHaveLength(1);
    expect(order(candidate, false, [target])).toHaveLength(1);
    expect(out(candidate, target)).toBe(true);
    expect(order(candidate, false, [target])).toEqual([]);
    for (const key of keys(target)) states.failed(key, true);
    expect(out(candidate, target)).toBe(false);
    expect(out({ ...candidate, addresses: [] }, target)).toBe(true);
  });
  it('that refused connections are restored by a readiness probe, those that failed by a success only', () => {
    const { states } = requests();
    states.failed(a, true);
    for (let i = 0; i < 3; i++) states.failed(b, false);
    states.ready(a);
    states.ready(b);
    expect(states.down()).toEqual([b]);
    states.succeeded(b);
    expect(states.down()).toEqual([]);
  });
  it('all count as available when every target of every arm fails', () => {
    const { states, order } = requests();
    const third = { model: 'spam', version: 3, addresses: ['http://d:1'], protocol: 'oip', workers: true, price: 0 };
    for (const key of [...keys(target), ...keys(candidate)]) states.failed(key, true);
    expect(order(candidate, false, [target])).toHaveLength(2);
    expect(order(candidate, false, [target, third])).toEqual([]);
    expect([...states.ejected(candidate, [target]), ...states.ejected(target, [candidate])]).toEqual([]);
    states.succeeded(a);
    expect(order(candidate, false, [target])).toEqual([]);
  });
  it('are forgotten when no route names them any more', () => {
    const { states } = requests();
    states.failed(a, true);
    states.retain(new Set([b]));
    expect(states.down()).toEqual([]);
  });
});

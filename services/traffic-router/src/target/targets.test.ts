import { describe, expect, it } from 'vitest';
import { parseTargetKey, targetKey, Targets } from './targets.ts';

const target = { model: 'spam', version: 1, addresses: ['http://a:1', 'http://b:1'], workers: true };
const candidate = { model: 'spam', version: 2, addresses: ['http://a:1', 'http://c:1'], workers: true };
const a = targetKey(target, 'http://a:1');
const b = targetKey(target, 'http://b:1');
const keys = (t: typeof target) => t.addresses.map((address) => targetKey(t, address));

describe('targets', () => {
  it('are named by version and address', () => {
    expect(parseTargetKey(b)).toEqual({ model: 'spam', version: '1', address: 'http://b:1' });
  });
  it('takes turns', () => {
    const targets = new Targets(() => 0);
    expect([targets.order(target, false)[0], targets.order(target, false)[0], targets.order(target, false)[0]]).toEqual(
      ['http://a:1', 'http://b:1', 'http://a:1'],
    );
  });
  it('ejects at once what refuses connections, and others after three failures in a row', () => {
    const targets = new Targets(() => 0);
    expect(targets.failed(a, true)).toBe(true);
    expect([targets.failed(b, false), targets.failed(b, false)]).toEqual([false, false]);
    targets.succeeded(b);
    expect([targets.failed(b, false), targets.failed(b, false), targets.failed(b, false)]).toEqual([
      false,
      false,
      true,
    ]);
    expect(targets.down()).toEqual([a, b].sort());
  });
  it('gives ejected ones last, and only as the last resort', () => {
    const targets = new Targets(() => 0);
    targets.failed(a, true);
    expect(targets.order(target, false)).toEqual(['http://b:1']);
    expect(targets.order(target, true)).toEqual(['http://b:1', 'http://a:1']);
    expect(targets.order({ ...target, addresses: [] }, true)).toEqual([]);
  });
  it('lets one request a second probe an ejected target, and says for how long it has been ejected', () => {
    let now = 0;
    const targets = new Targets(() => now);
    for (const key of keys(candidate)) targets.failed(key, true);
    const probes = Array.from({ length: 5000 }, (_, ms) => {
      now = ms;
      return targets.order(candidate, false, target).length;
    });
    // two addresses, each probed at 1, 2, 3 and 4 s
    expect(probes.reduce((sum, n) => sum + n, 0)).toBe(8);
    expect(targets.ejected(candidate, target)).toEqual(keys(candidate).map((key) => ({ key, ms: 4999 })));
    for (const key of keys(candidate)) targets.succeeded(key);
    expect(targets.order(candidate, false, target)).toHaveLength(2);
    expect(targets.ejected(candidate, target)).toEqual([]);
  });
  it('says, without claiming a probe, when a version would not be tried at all', () => {
    let now = 0;
    const targets = new Targets(() => now);
    const first = keys(candidate)[0] as string;
    const second = keys(candidate)[1] as string;
    expect(targets.isOut(candidate, target)).toBe(false);
    targets.failed(first, true);
    expect(targets.isOut(candidate, target)).toBe(false);
    targets.failed(second, true);
    expect(targets.isOut(candidate, target)).toBe(true);
    now = 1000;
    expect([targets.isOut(candidate, target), targets.isOut(candidate, target)]).toEqual([false, false]);
    expect(targets.order(candidate, false, target)).toHaveLength(1);
    expect(targets.order(candidate, false, target)).toHaveLength(1);
    expect(targets.isOut(candidate, target)).toBe(true);
    expect(targets.order(candidate, false, target)).toEqual([]);
    for (const key of keys(target)) targets.failed(key, true);
    expect(targets.isOut(candidate, target)).toBe(false);
    expect(targets.isOut({ ...candidate, addresses: [] }, target)).toBe(true);
  });
  it('takes back on its word what was not there, but what answered with errors only on a success', () => {
    const targets = new Targets(() => 0);
    targets.failed(a, true);
    for (let i = 0; i < 3; i++) targets.failed(b, false);
    targets.ready(a);
    targets.ready(b);
    expect(targets.down()).toEqual([b]);
    targets.succeeded(b);
    expect(targets.down()).toEqual([]);
  });
  it('ejects nobody when every target of both arms fails', () => {
    const targets = new Targets(() => 0);
    for (const key of [...keys(target), ...keys(candidate)]) targets.failed(key, true);
    expect(targets.order(candidate, false, target)).toHaveLength(2);
    expect([...targets.ejected(candidate, target), ...targets.ejected(target, candidate)]).toEqual([]);
    targets.succeeded(a);
    expect(targets.order(candidate, false, target)).toEqual([]);
  });
  it('forgets what no route names any more', () => {
    const targets = new Targets(() => 0);
    targets.failed(a, true);
    targets.retain(new Set([b]));
    expect(targets.down()).toEqual([]);
  });
});

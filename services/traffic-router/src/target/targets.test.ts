import { describe, expect, it } from 'vitest';
import { parseTargetKey, targetKey, Targets } from './targets.ts';

const target = { model: 'spam', version: 1, addresses: ['http://a:1', 'http://b:1'] };
const a = targetKey(target, 'http://a:1');
const b = targetKey(target, 'http://b:1');

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
    expect(targets.ejected()).toEqual([a, b].sort());
  });
  it('lets an ejected target try again after a while that grows, and forgets it all on success', () => {
    let now = 0;
    const targets = new Targets(() => now);
    targets.failed(a, true);
    now = 1001;
    expect(targets.isEjected(a)).toBe(false);
    targets.failed(a, true);
    now = 2500;
    expect(targets.isEjected(a)).toBe(true);
    targets.succeeded(a);
    expect(targets.isEjected(a)).toBe(false);
  });
  it('gives ejected ones last, and only as the last resort', () => {
    const targets = new Targets(() => 0);
    targets.failed(a, true);
    expect(targets.order(target, false)).toEqual(['http://b:1']);
    expect(targets.order(target, true)).toEqual(['http://b:1', 'http://a:1']);
    expect(targets.order({ ...target, addresses: [] }, true)).toEqual([]);
  });
});

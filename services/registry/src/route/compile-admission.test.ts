import { bundleSchema, type LoadTrial, type Version } from '@slipway/model';
import { describe, expect, it } from 'vitest';
import { compileRoute } from './compile.ts';
import { workersLoad } from './loadable.ts';

const tensor = { name: 'x', datatype: 'FP32', shape: [-1, 1] };
const version = (loadable: LoadTrial, url?: string, protocol?: string): Version => ({
  model: 'm',
  version: 1,
  digest: 'd'.repeat(64),
  bundle: bundleSchema.parse({
    artifact: { sha256: 'a'.repeat(64) },
    signature: { inputs: [tensor], outputs: [tensor] },
    infra: { url, protocol },
  }),
  created_at: 0,
  created_by: 'test',
  profile: null,
  profile_note: '',
  loadable,
});
const target = (v: Version, targetHosts: string[] = []) =>
  compileRoute({
    endpoint: { name: 'e', current: { model: 'm', version: 1 }, unit: 'request', timeout_ms: 1000 },
    rollout: null,
    versions: new Map([['m:1', v]]),
    addressesOf: () => [],
    before: null,
    leaseMs: 1000,
    targetHosts,
    outcomeNames: [],
    mayReturn: () => [],
  }).branches[0]?.target;
const untested: LoadTrial = { state: 'untested', reason: '' };

describe('targets of a route', () => {
  it("of a publisher's server are included only while its host is allowed", () => {
    const elsewhere = version(untested, 'http://models.example:8000');
    expect(target(elsewhere, ['models.example'])?.addresses).toEqual(['http://models.example:8000']);
    expect(target(elsewhere, ['other.example'])?.addresses).toEqual([]);
  });

  it('says which protocol they speak', () => {
    expect(target(version(untested))?.protocol).toBe('oip');
    expect(target(version(untested, 'http://models.example:8000', 'other'))?.protocol).toBe('other');
  });

  it('say whether the addresses are workers', () => {
    expect(target(version(untested))?.workers).toBe(true);
    expect(target(version(untested, 'http://models.example:8000'))?.workers).toBe(false);
  });
});

describe('what workers load', () => {
  it("is every version except those that could not be loaded, or that a publisher's server serves", () => {
    const loads = (trial: LoadTrial, url?: string) => workersLoad(version(trial, url));
    expect(loads(untested)).toBe(true);
    expect(loads({ state: 'loaded', reason: '' })).toBe(true);
    expect(loads({ state: 'failed', reason: 'no model' })).toBe(false);
    expect(loads(untested, 'http://models.example:8000')).toBe(false);
  });
});

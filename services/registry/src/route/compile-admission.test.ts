import { formatVersion } from '@slipway/core';
import { bundleSchema, type LoadTrial, type Version } from '@slipway/model';
import { describe, expect, it } from 'vitest';
import { compileRoute } from './compile.ts';

const tensor = { name: 'x', datatype: 'FP32', shape: [-1, 1] };
const version = (loadable: LoadTrial, url?: string): Version => ({
  model: 'm',
  version: 1,
  digest: 'd'.repeat(64),
  bundle: bundleSchema.parse({
    artifact: { sha256: 'a'.repeat(64) },
    signature: { inputs: [tensor], outputs: [tensor] },
    infra: url ? { url } : {},
  }),
  created_at: 0,
  created_by: 'test',
  profile: null,
  profile_note: '',
  loadable,
});
const route = (v: Version, targetHosts: string[] = []) =>
  compileRoute({
    endpoint: { name: 'e', current: { model: 'm', version: 1 }, previous: null, unit: 'request', timeout_ms: 1000 },
    rollout: null,
    versions: new Map([['m:1', v]]),
    addressesOf: () => [],
    before: null,
    artifactBases: ['http://registry:8080'],
    leaseMs: 1000,
    targetHosts,
    operatorKeys: [],
    callerKeys: [],
    keysRevision: 0,
    outcomeNames: [],
    mayReturn: () => [],
  });
const untested: LoadTrial = { state: 'untested', reason: '' };

describe('what enters a route', () => {
  it('a server of the publisher is asked only while its host is allowed', () => {
    const elsewhere = version(untested, 'http://models.example:8000');
    expect(route(elsewhere, ['models.example']).control.addresses).toEqual(['http://models.example:8000']);
    expect(route(elsewhere, ['other.example']).control.addresses).toEqual([]);
  });

  it('workers load every version but one that could not be loaded', () => {
    const loads = (trial: LoadTrial) => route(version(trial)).load.map(formatVersion);
    expect(loads(untested)).toEqual(['m:1']);
    expect(loads({ state: 'loaded', reason: '' })).toEqual(['m:1']);
    expect(loads({ state: 'failed', reason: 'no model' })).toEqual([]);
  });
});

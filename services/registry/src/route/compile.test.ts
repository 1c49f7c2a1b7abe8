import { type Route } from '@slipway/contracts';
import { type Version, bundleSchema } from '@slipway/model';
import { describe, expect, it } from 'vitest';
import { compileRoute } from './compile.ts';

const version = {
  model: 'spam',
  version: 1,
  digest: 'd'.repeat(64),
  bundle: bundleSchema.parse({
    artifact: { sha256: 'a'.repeat(64) },
    signature: {
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1, 1] }],
      outputs: [{ name: 'class', datatype: 'INT64', shape: [-1, 1] }],
    },
  }),
  loadable: { state: 'loaded', reason: '' },
} as unknown as Version;
const route = (before: string[], warm: string[], mayReturn: string[]) =>
  compileRoute({
    endpoint: { name: 'spam', current: { model: 'spam', version: 1 }, unit: 'request', timeout_ms: 1 },
    rollout: null,
    versions: new Map([['spam:1', version]]),
    addressesOf: () => warm,
    mayReturn: () => mayReturn,
    before: { branches: [{ target: { model: 'spam', version: 1, addresses: before }, rollout: null }] } as Route,
    leaseMs: 1000,
    outcomeNames: [],
    targetHosts: [],
  }).branches[0]?.target.addresses;

describe('the addresses of a version', () => {
  it('keep a worker that has restarted and is still loading, so that one is left when the other ends', () =>
    expect(route(['http://a', 'http://b'], ['http://b'], ['http://a', 'http://b'])).toEqual(['http://a', 'http://b']));
  it('drop one that is dead or cannot load the version, where another is warm', () =>
    expect(route(['http://a', 'http://b'], ['http://b'], ['http://b'])).toEqual(['http://b']));
  it('take in nobody who has never had it warm', () =>
    expect(route(['http://a'], ['http://a'], ['http://a', 'http://c'])).toEqual(['http://a']));
  it('stay as they were while nobody is warm', () =>
    expect(route(['http://a', 'http://b'], [], [])).toEqual(['http://a', 'http://b']));
});

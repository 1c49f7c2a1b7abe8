import { type Route } from '@slipway/contracts';
import { type Version, bundleSchema } from '@slipway/model';
import { describe, expect, it } from 'vitest';
import { type Rollout, rolloutSpecSchema } from '@slipway/release';
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
  it('keep a worker that has restarted and is still loading, so that one remains when another one ends', () =>
    expect(route(['http://a', 'http://b'], ['http://b'], ['http://a', 'http://b'])).toEqual(['http://a', 'http://b']));
  it('drop a worker that has ended or cannot load the version, when another one is warm', () =>
    expect(route(['http://a', 'http://b'], ['http://b'], ['http://b'])).toEqual(['http://b']));
  it('do not include a worker that has never had it warm', () =>
    expect(route(['http://a'], ['http://a'], ['http://a', 'http://c'])).toEqual(['http://a']));
  it('stay as they were while no worker is warm', () =>
    expect(route(['http://a', 'http://b'], [], [])).toEqual(['http://a', 'http://b']));
});

describe('the arms of a rollout', () => {
  const versions = new Map([1, 2, 3].map((n) => [`spam:${n}`, { ...version, version: n }]));
  const arms = (spec: object, rollout: object) =>
    compileRoute({
      endpoint: { name: 'spam', current: { model: 'spam', version: 1 }, unit: 'request', timeout_ms: 1 },
      rollout: {
        ...{ id: 'r', status: 'running', step: 0, visits: [] },
        spec: rolloutSpecSchema.parse({ endpoint: 'spam', ...spec }),
        ...rollout,
      } as unknown as Rollout,
      versions,
      addressesOf: (v) => [`http://${v.version}`],
      mayReturn: () => [],
      before: null,
      leaseMs: 1000,
      outcomeNames: [],
      targetHosts: [],
    }).branches[0]?.rollout?.arms.map((a) => [a.name, a.target.version, a.share, a.withdrawn]);
  const candidates = ['b', 'c'].map((name, i) => ({ name, model: 'spam', version: i + 2 }));
  const several = { candidates, steps: [{ experiment: { goal: 'kept' } }] };

  it('are control and the only candidate, to the last digit of its share', () => {
    const steps = [{ canary: { weight: 0.123456789012 } }];
    expect(arms({ candidate: { model: 'spam', version: 2 }, steps }, { weight: 0.123456789012 })).toEqual([
      ['control', 1, 1 - 0.123456789012, undefined],
      ['candidate', 2, 0.123456789012, undefined],
    ]);
  });
  it('are control and each of several, by name', () => {
    expect(arms(several, { weight: 0.666666667 })).toEqual([
      ['control', 1, 0.333333332, undefined],
      ['b', 2, 0.333333334, undefined],
      ['c', 3, 0.333333334, undefined],
    ]);
    expect(arms(several, { weight: 0 })?.map(([, , share]) => share)).toEqual([1, 0, 0]);
  });
  it('keep the place of one that was withdrawn, with the target of control', () => {
    const withdrawn = [{ arm: 'b', at: 0, reason: '', evidence_id: null }];
    expect(arms(several, { weight: 0.666666667, withdrawn })).toEqual([
      ['control', 1, 0.333333332, undefined],
      ['b', 1, 0.333333334, true],
      ['c', 3, 0.333333334, undefined],
    ]);
  });
});

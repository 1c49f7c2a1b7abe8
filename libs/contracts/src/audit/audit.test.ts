import { describe, expect, it } from 'vitest';
import { canonicalJson } from '@slipway/core';
import { bundleDigest, bundleSchema } from '@slipway/model';
import { AUDIT_GENESIS } from './audit-row.ts';
import { auditHash } from './audit.ts';

const row = {
  event_id: '0198c0de-0000-7000-8000-000000000001',
  aggregate: 'rollout/x',
  n: 1,
  time: 1,
  actor: 'a',
  role: 'admin',
  action: 'create',
  reason: '',
  state: { b: 1, a: [1, { z: null }] },
  previous_hash: AUDIT_GENESIS,
};

describe('audit hashes and canonical JSON', () => {
  it('sorts keys and prints numbers as RFC 8785 requires', () => {
    expect(canonicalJson({ b: 1e21, a: 0.1, é: [true, null], '€': -0 })).toBe(
      '{"a":0.1,"b":1e+21,"é":[true,null],"€":0}',
    );
  });
  it('depends on every value, but not on the order of keys', () => {
    expect(auditHash({ ...row, state: { a: [1, { z: null }], b: 1 } })).toBe(auditHash(row));
    expect(auditHash({ ...row, reason: 'x' })).not.toBe(auditHash(row));
    expect(auditHash({ ...row, state: { ...row.state, b: 2 } })).not.toBe(auditHash(row));
  });
  it('gives a bundle the same digest with its defaults written out or left out', () => {
    const signature = {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
    };
    const artifact = { sha256: 'a'.repeat(64) };
    expect(bundleDigest(bundleSchema.parse({ artifact, signature }))).toBe(
      bundleDigest(bundleSchema.parse({ signature, artifact, price: 0, format: 'onnx' })),
    );
  });
});

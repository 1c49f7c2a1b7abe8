import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleSchema } from '@slipway/model';
import { expect, it } from 'vitest';
import { ArtifactStore } from '../artifact/artifact.store.ts';
import { referenceProfile } from './profile.store.ts';

it('a line of training data that is endless is left out, and the note says so', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'profile-'));
  const sha256 = 'a'.repeat(64);
  mkdirSync(join(folder, 'aa'));
  writeFileSync(join(folder, 'aa', sha256), '{"inputs":{"x":1}}\n');
  truncateSync(join(folder, 'aa', sha256), 32 * 1024 ** 2);
  const bundle = bundleSchema.parse({
    artifact: { sha256 },
    training_data: { sha256 },
    signature: {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
    },
  });
  const artifacts = new ArtifactStore(undefined as never, folder, 1);
  const { profile, note } = await referenceProfile(artifacts, bundle);
  rmSync(folder, { recursive: true });
  expect([profile?.features.map((f) => f.counts), note]).toEqual([
    [[1, 0]],
    'training_data: 1 lines of 4194304 bytes or more are left out',
  ]);
});

it('a profile that is too long to be published is not stored, and the note says by how much', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'profile-'));
  const sha256 = 'a'.repeat(64);
  mkdirSync(join(folder, 'aa'));
  const lines = Array.from({ length: 40 }, (_, i) => JSON.stringify({ inputs: { x: `${i}`.padEnd(5000, 'x') } }));
  writeFileSync(join(folder, 'aa', sha256), lines.join('\n'));
  const bundle = bundleSchema.parse({
    artifact: { sha256 },
    training_data: { sha256 },
    signature: {
      inputs: [{ name: 'x', datatype: 'BYTES', shape: [-1, 1] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
    },
  });
  const found = await referenceProfile(new ArtifactStore(undefined as never, folder, 1), bundle);
  rmSync(folder, { recursive: true });
  expect(found).toEqual({ profile: null, note: expect.stringMatching(/^the profile has 20\d{4} bytes of JSON/) });
});

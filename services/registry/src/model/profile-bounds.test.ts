import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleSchema } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { ArtifactStore } from '../artifact/artifact.store.ts';
import { referenceProfile } from './profile.store.ts';

it('training data that are one line of a gigabyte are read in part, and make no profile', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'profile-'));
  const sha256 = 'a'.repeat(64);
  mkdirSync(join(folder, 'aa'));
  writeFileSync(join(folder, 'aa', sha256), '{"inputs":{"x":1}}\n');
  truncateSync(join(folder, 'aa', sha256), 1024 ** 3);
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
  expect([profile?.features.map((f) => f.counts), note]).toEqual([[[1, 0]], '']);
});

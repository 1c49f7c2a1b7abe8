import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@slipway/platform';
import { expect, it } from 'vitest';
import { ArtifactClient } from '../model/artifact.client.ts';
import { ModelSet } from '../model/model-set.client.ts';
import { limits, turns } from '../model/onnx-models.fixture.ts';
import { legOf, startLegs } from './legs.fixture.ts';

it('a candidate in this worker that takes longer than the deadline has timed out, whatever it answers', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'leg-'));
  const { bytes, spec } = turns();
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(join(folder, sha256), bytes);
  const sources = { key: 'k', registryUrls: [], allowedHosts: [], maxBytes: 1, cacheBytes: 1e9 };
  const models = new ModelSet({
    artifacts: new ArtifactClient({ folder, ...sources }),
    log: createLogger('test', 'test', 'silent'),
    threads: 1,
    maxQueuedRows: 100,
    limits,
    onChange: () => undefined,
  });
  models.start();
  models.keep('m:1', { ...spec, digest: sha256, artifact: { sha256, uris: [] } });
  while (!models.find('m', 1)) await new Promise((resolve) => setTimeout(resolve, 20));
  const ask = (x: number, patienceMs: number) => {
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 1], data: [x] }];
    const body = Buffer.from(JSON.stringify({ inputs }));
    return startLegs(new Map(), models).legs.ask(legOf({ endpoint: 'e', version: 'm:1', body }), patienceMs);
  };
  expect(await ask(3, 10_000)).toMatchObject({ ok: true, answer: { outputs: [{ data: [3] }] } });
  // About a second of looping.
  const late = await ask(1_000_000, 50);
  expect(late).toMatchObject({ ok: false, reason: 'timeout' });
  // A Node timer may fire a fraction of a millisecond early.
  expect(late.latencyUs).toBeGreaterThanOrEqual(49_000);
  // The event loop is blocked, so that the timer and the answer are both due when it continues.
  const held = ask(3, 50);
  await new Promise((resolve) => setImmediate(resolve));
  const until = performance.now() + 200;
  while (performance.now() < until);
  expect(await held).toMatchObject({ ok: false, reason: 'timeout' });
  await models.close();
  rmSync(folder, { recursive: true });
});

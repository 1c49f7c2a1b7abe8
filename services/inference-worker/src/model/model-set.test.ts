import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Loadable, LoadedVersion } from '@slipway/contracts';
import { createLogger } from '@slipway/platform';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { protocols } from '@slipway/protocol';
import type { ModelLimits } from '../process/model-runner.client.ts';
import { ArtifactClient, type ArtifactClientOptions } from './artifact.client.ts';
import { ModelSet } from './model-set.client.ts';
import { identity, limits, turns } from './onnx-models.fixture.ts';

const [oip] = protocols;

const log = createLogger('test', 'test', 'silent');
const files = new Map<string, Uint8Array>();
let server: Server;
let url: string;
beforeAll(async () => {
  server = createServer((req, res) => {
    const found = files.get(req.url ?? '');
    res.writeHead(found ? 200 : 404).end(found);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const made: { set: ModelSet; folder: string }[] = [];
afterEach(async () => {
  for (const { set, folder } of made.splice(0)) {
    await set.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

function modelSet(change: Partial<ModelLimits & ArtifactClientOptions> = {}): ModelSet {
  const folder = mkdtempSync(join(tmpdir(), 'models-'));
  const registryUrls = [url];
  const bounds = { maxBytes: 1e6, cacheBytes: 1e7 };
  const artifacts = new ArtifactClient({ folder, key: 'k', registryUrls, allowedHosts: [], ...bounds, ...change });
  const set = new ModelSet({
    artifacts,
    log,
    threads: 1,
    maxQueuedRows: 100,
    limits: { ...limits, ...change },
    onChange: () => undefined,
  });
  set.start();
  made.push({ set, folder });
  return set;
}

/** As registered: its bytes are in the registry, unless other sources are given. */
function version(model: string, { bytes, spec }: { bytes: Uint8Array; spec: Loadable }, uris?: string[]): Loadable {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  files.set(`/${sha256}`, bytes);
  return { ...spec, model, digest: sha256, artifact: { sha256, uris: uris ?? [`${url}/${sha256}`] } };
}

async function said(set: ModelSet, model: string, when: (v: LoadedVersion) => boolean): Promise<LoadedVersion> {
  for (;;) {
    const found = set.versions().find((v) => v.model === model);
    if (found && when(found)) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
async function ask(set: ModelSet, model: string, x: number) {
  const loaded = set.get(model, 1);
  const body = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 1], data: [x] }] };
  const request = oip.decode(Buffer.from(JSON.stringify(body)), loaded.spec.signature, 1000);
  return (await loaded.infer(request)).outputs[0]?.data[0];
}

it('a model that never ends fails for that reason after two trials, while other versions load and answer', async () => {
  const set = modelSet({ runDeadlineMs: 1000 });
  set.tryOut([version('endless', turns({ endless: true }))]);
  set.keep('good:1', version('good', identity('FP32', [-1, 1])));
  await said(set, 'good', (v) => v.state === 'warm');
  let answered = 0;
  const tried = said(set, 'endless', (v) => v.state === 'failed');
  for (let done = false; !done; answered++) {
    done = await Promise.race([tried.then(() => true), ask(set, 'good', 5).then((y) => y !== 5)]);
  }
  expect(answered).toBeGreaterThan(20);
  expect((await tried).error).toBe('it did not answer within 1000 ms; its process was ended (2 times)');
});

it.each([
  ['FP32', [-1, 2_000_000_000], 'its smallest request has 2000000000 elements; at most 4194304 are served'],
  ['BYTES', [-1, 1_000_000], 'its smallest request has 1000000 elements (each counts 16-fold); at most 4194304'],
  ['INT64', [60_000, 100, 1], 'its smallest request has 6000000 elements; at most 4194304 are served'],
] as const)('a signature of %s %j fails with the reason, and takes no memory', async (datatype, shape, reason) => {
  const set = modelSet();
  set.tryOut([version('wide', identity(datatype, [...shape]))]);
  const { error } = await said(set, 'wide', (v) => v.state === 'failed');
  expect(error).toContain(reason);
});

it.each([
  [
    'its host is not allowed here',
    {},
    ['http://models.example/m'],
    /host "models.example" may not be called.*ARTIFACT_HOSTS/,
  ],
  ["it is larger than this worker's limit", { maxBytes: 10 }, undefined, /bytes or more; MAX_ARTIFACT_BYTES is 10/],
  ['its source does not respond', {}, ['http://127.0.0.1:1/m'], /fetch failed.*ECONNREFUSED|bad port/],
  [
    'it needs more memory than there is',
    { memoryBytes: 1000 },
    undefined,
    /bytes of memory; MODEL_MEMORY_BYTES is 1000/,
  ],
])(
  'a version does not fail permanently because %s: the reason is reported, and it is retried',
  async (_, change, uris, reason) => {
    const set = modelSet({ allowedHosts: ['127.0.0.1:1'], ...change });
    set.tryOut([version('unlucky', identity('FP32', [-1, 1]), uris)]);
    expect(await said(set, 'unlucky', (v) => v.error !== undefined)).toMatchObject({
      state: 'loading',
      error: expect.stringMatching(reason),
    });
  },
);

it('a long reason from a bundle is shortened, since a heartbeat is one record', async () => {
  const set = modelSet();
  const talkative = version('talkative', identity('BYTES', [-1, 1]));
  const inputs = [{ name: 'x', datatype: 'BYTES', shape: [1, 1], data: ['a'] }];
  const outputs = [{ name: 'y', data: ['b'.repeat(2_000_000)], tolerance: 0 }];
  set.tryOut([{ ...talkative, validation: [{ inputs, outputs }] }]);
  const { error } = await said(set, 'talkative', (v) => v.state === 'failed');
  expect(error).toMatch(/^validation case 0: output "y" is a where "b{900,}…$/);
  expect(error?.length).toBeLessThan(1100);
});

it('a file that only one source refuses is fetched from the next', async () => {
  const set = modelSet();
  const good = version('elsewhere', identity('FP32', [-1, 1]));
  const { uris } = good.artifact;
  set.tryOut([{ ...good, artifact: { ...good.artifact, uris: ['http://models.example/m', ...uris] } }]);
  expect((await said(set, 'elsewhere', (v) => v.state !== 'loading')).state).toBe('warm');
});

it("at most four of a publisher's versions are loaded at once for their trial", async () => {
  const set = modelSet();
  const specs = Array.from({ length: 8 }, (_, i) => version(`tried-${i}`, identity('FP32', [-1, i + 1])));
  set.tryOut(specs);
  let most = 0;
  for (const model of ['tried-0', 'tried-1', 'tried-2', 'tried-3']) {
    await said(set, model, (v) => v.state === 'warm');
    most = Math.max(most, set.all().length);
  }
  expect(most).toBe(4);
  // The registry has the results of the first ones, and asks for the others.
  set.tryOut(specs.slice(4));
  for (const model of ['tried-4', 'tried-5', 'tried-6', 'tried-7']) {
    await said(set, model, (v) => v.state === 'warm');
    expect(set.all().length).toBeLessThanOrEqual(4);
  }
});

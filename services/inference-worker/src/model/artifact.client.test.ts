import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ArtifactClient, type ArtifactClientOptions, ArtifactError } from './artifact.client.ts';

const content = Buffer.alloc(300_000, 'model');
const digest = createHash('sha256').update(content).digest('hex');

type Site = { url: string; asked: { path: string; key: string | undefined }[]; server: Server };
async function site(answer: (req: IncomingMessage, res: ServerResponse) => void): Promise<Site> {
  const asked: Site['asked'] = [];
  const server = createServer((req, res) => {
    asked.push({ path: req.url ?? '', key: req.headers.authorization });
    answer(req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, server };
}

let registry: Site;
let elsewhere: Site;
let folder: string;
beforeAll(async () => {
  elsewhere = await site((req, res) => {
    if (req.url === '/back') return void res.writeHead(307, { location: `${registry.url}/model` }).end();
    if (req.url === '/silent') return void res.writeHead(200).write('m');
    // Without content-length the size is known only by counting.
    res.writeHead(200).write(content);
    res.end();
  });
  registry = await site((req, res) => {
    if (req.url === '/moved') return void res.writeHead(302, { location: `${elsewhere.url}/model` }).end();
    if (req.url === '/loop') return void res.writeHead(302, { location: '/loop' }).end();
    res.end(req.url === '/other' ? 'other bytes' : content);
  });
});
afterAll(() => {
  for (const s of [registry, elsewhere]) {
    s.server.closeAllConnections();
    s.server.close();
  }
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'artifacts-'));
  registry.asked.length = 0;
  elsewhere.asked.length = 0;
  return () => rmSync(folder, { recursive: true, force: true });
});

const client = (change: Partial<ArtifactClientOptions> = {}) =>
  new ArtifactClient({
    folder,
    key: 'the-key',
    registryUrls: [registry.url],
    allowedHosts: [new URL(elsewhere.url).host],
    maxBytes: 1_000_000,
    cacheBytes: 10_000_000,
    ...change,
  });

describe('the key of the registry', () => {
  it("is sent to the registry's own origin", async () => {
    const path = await client().fetch(digest, [`${registry.url}/model`]);
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(registry.asked).toEqual([{ path: '/model', key: 'Bearer the-key' }]);
  });

  it.each(['/model', '/back'])('is sent to no other origin that a publisher names, here %s', async (place) => {
    await client().fetch(digest, [`${elsewhere.url}${place}`]);
    expect(elsewhere.asked).toEqual([{ path: place, key: undefined }]);
  });

  it('is not sent along a redirect to another origin', async () => {
    await client().fetch(digest, [`${registry.url}/moved`]);
    expect(registry.asked).toEqual([{ path: '/moved', key: 'Bearer the-key' }]);
    expect(elsewhere.asked).toEqual([{ path: '/model', key: undefined }]);
  });
});

describe('an artifact', () => {
  it('is not fetched from a host that the configuration does not allow, directly or by a redirect', async () => {
    for (const uri of [`${elsewhere.url}/model`, `${registry.url}/moved`]) {
      const refused = client({ allowedHosts: ['models.example'] }).fetch(digest, [uri]);
      await expect(refused).rejects.toThrow(ArtifactError);
      await expect(refused).rejects.toThrow(
        `the host "${new URL(elsewhere.url).host}" may not be called over HTTP; ARTIFACT_HOSTS allows`,
      );
    }
    expect(elsewhere.asked).toEqual([]);
  });

  it.each([
    ['a declared length', () => registry.url],
    ['an undeclared length', () => elsewhere.url],
  ])('beyond the size limit is refused with the reason: %s', async (_, from) => {
    const refused = client({ maxBytes: 200_000 }).fetch(digest, [`${from()}/model`]);
    await expect(refused).rejects.toThrow(ArtifactError);
    await expect(refused).rejects.toThrow(/bytes or more; MAX_ARTIFACT_BYTES is 200000/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('with bytes that do not match its digest is refused and leaves no file behind', async () => {
    await expect(client().fetch(digest, [`${registry.url}/other`])).rejects.toThrow(ArtifactError);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('comes from the next source when one is silent or redirects endlessly, then from the cache', async () => {
    // Long enough for a source that answers on a busy machine.
    const c = client({ silenceMs: 2000 });
    await c.fetch(digest, [`${elsewhere.url}/silent`, `${registry.url}/loop`, `${registry.url}/model`]);
    expect(readdirSync(folder)).toEqual([digest]);
    registry.asked.length = 0;
    await c.fetch(digest, [`${registry.url}/model`]);
    expect(registry.asked).toEqual([]);
  });
});

describe('the cache', () => {
  it('is limited in size: the least recently used is removed first, and what is in use stays', async () => {
    const place = (name: string) => join(folder, name);
    const [oldest, used, newest] = ['a', 'b', 'c'].map((c) => c.repeat(64)) as [string, string, string];
    for (const [i, name] of [used, oldest, newest].entries()) {
      writeFileSync(place(name), Buffer.alloc(1000));
      utimesSync(place(name), 1000 + i, 1000 + i);
    }
    const c = client({ cacheBytes: 300_000 + 2000 });
    expect(await c.evict(() => new Set())).toEqual([]);
    await c.fetch(digest, [`${registry.url}/model`]);
    expect(await c.evict(() => new Set([used, digest]))).toEqual([oldest]);
    expect(readdirSync(folder).sort()).toEqual([used, newest, digest].sort());
    // More than the limit is in use: none of it is removed.
    expect(await client({ cacheBytes: 0 }).evict(() => new Set([used, digest]))).toEqual([newest]);
    expect(readdirSync(folder).sort()).toEqual([used, digest].sort());
  });

  it('keeps the most recently used longest, including those read from the cache', async () => {
    await client().fetch(digest, [`${registry.url}/model`]);
    utimesSync(join(folder, digest), 1000, 1000);
    const other = 'f'.repeat(64);
    writeFileSync(join(folder, other), Buffer.alloc(1000));
    utimesSync(join(folder, other), 2000, 2000);
    await client().fetch(digest, []);
    expect(await client({ cacheBytes: 300_500 }).evict(() => new Set())).toEqual([other]);
  });
});

describe('an artifact with several sources', () => {
  it('is fetched from each one in turn until one gives it, whatever errors the others give', async () => {
    const uris = [`${registry.url}/other`, 'http://models.example/m', `${elsewhere.url}/model`];
    await client().fetch(digest, uris);
    expect(readdirSync(folder)).toEqual([digest]);
  });

  it('has wrong bytes only when all sources give such: an unreachable one may have the right ones', async () => {
    const wrong = `${registry.url}/other`;
    await expect(client().fetch(digest, [wrong])).rejects.toMatchObject({ wrongBytes: true });
    await expect(client().fetch(digest, [wrong, 'http://models.example/m'])).rejects.toMatchObject({
      wrongBytes: false,
      message: expect.stringMatching(/gave bytes with the SHA-256 .*; .*the host "models.example" may not be called/),
    });
  });

  it('is given up when it arrives too slowly', async () => {
    const slow = client({ silenceMs: 10_000, longestMs: 200 }).fetch(digest, [`${elsewhere.url}/silent`]);
    await expect(slow).rejects.toThrow(/took longer than 200 ms/);
  });
});

describe('a worker that was killed during a download', () => {
  it('leaves a partial file, which its next start removes; complete files stay', async () => {
    await client().fetch(digest, [`${registry.url}/model`]);
    writeFileSync(join(folder, '.part-of-a-model'), content.subarray(0, 1000));
    await client().forgetPartials();
    expect(readdirSync(folder)).toEqual([digest]);
    rmSync(folder, { recursive: true });
    await client().forgetPartials();
  });
});

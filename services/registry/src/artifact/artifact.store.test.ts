import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ArtifactStore } from './artifact.store.ts';

it('removes partial uploads of a killed registry, and no complete file or upload under way', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'artifacts-'));
  try {
    for (const [name, seconds] of [
      ['.killed', 1000],
      ['.under-way', 3000],
      ['ab', 1000],
    ] as const) {
      writeFileSync(join(folder, name), 'bytes');
      utimesSync(join(folder, name), seconds, seconds);
    }
    await new ArtifactStore({} as never, folder, 1).forgetPartials(2_000_000);
    expect(readdirSync(folder).sort()).toEqual(['.under-way', 'ab']);
    await new ArtifactStore({} as never, join(folder, 'not there yet'), 1).forgetPartials(2_000_000);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('reads the rest of a refused body, and accepts the next one on its connection', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'artifacts-'));
  const store = new ArtifactStore({ transaction: async () => undefined } as never, folder, 100_000);
  const server = createServer((req, res) => {
    store.put((req.url ?? '').slice(1), req, { name: 'test', role: 'publisher' }, 0).then(
      () => res.end(),
      (error: { status: number }) => res.writeHead(error.status).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const put = (bytes: Buffer) => {
    const path = `/${createHash('sha256').update(bytes).digest('hex')}`;
    const headers = { 'content-length': bytes.length };
    const req = request({ agent, host: '127.0.0.1', port, method: 'PUT', path, headers });
    const status = new Promise<number | undefined>((resolve, reject) => {
      req.once('error', reject).once('response', (res) => res.resume().once('end', () => resolve(res.statusCode)));
    });
    const reused = new Promise<boolean>((resolve) => req.end(bytes, () => resolve(req.reusedSocket)));
    return Promise.all([status, reused]);
  };
  try {
    expect(await put(Buffer.alloc(30_000_000, 'x'))).toEqual([413, false]);
    expect(await put(Buffer.from('small'))).toEqual([200, true]);
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  } finally {
    agent.destroy();
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
});

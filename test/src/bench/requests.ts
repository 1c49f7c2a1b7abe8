import { join } from 'node:path';
import { until } from '@slipway/local';
import type { Bundle } from '@slipway/model';
import type { Release } from '../fixtures/release.ts';
import { cpuMicros, load, median } from './load.ts';
import { type Peer, startBareProxy, startNginx, startStub } from './peers.ts';
import { add, say } from './report.ts';

/** A request of 1.2 KB. */
export const BODY = JSON.stringify({
  inputs: [{ name: 'text', datatype: 'BYTES', shape: [1, 1], data: ['Win a prize now, click here. '.repeat(40)] }],
});

/** Duration of a round of one load, and the number of rounds. */
export type Rounds = { rounds: number; seconds: number };

export async function proxies(release: Release, { rounds, seconds }: Rounds): Promise<void> {
  say('\nA proxy in front of a model that answers at once (1.2 KB requests)');
  const stub = await startStub();
  const { admin, operator, routers } = release;
  await admin.models.create({ name: 'bench' });
  const signature: Bundle['signature'] = {
    inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1, 1] }],
    outputs: [{ name: 'probability', datatype: 'FP32', shape: [-1, 1] }],
  };
  await admin.versions.register(
    { model: 'bench' },
    {
      bundle: {
        artifact: { sha256: '0'.repeat(64), uri: 'https://models.example/bench' },
        signature,
        infra: { url: stub.url },
      },
    },
  );
  await operator.endpoints.put({ name: 'bench' }, { model: 'bench', version: 1 });
  await until(
    'the endpoint',
    async () => (await fetch(`${routers[0]}/v2/models/bench/infer`, { method: 'POST', body: BODY })).ok,
  );
  const router: Peer = {
    name: 'traffic-router (every row journalled and shipped)',
    url: routers[0] as string,
    pids: () => [release.supervisor.pid('router-1') as number],
    stop: () => undefined,
  };
  const peers = [
    router,
    await startBareProxy(stub.url),
    await startNginx(stub.url, join(release.folder, 'nginx')),
  ].filter((p) => p !== undefined);
  if (peers.length < 3) say('  nginx is not installed: no figures of it');
  const path = '/v2/models/bench/infer';
  const results = new Map<string, { perSecond: number[]; p50: number[]; p99: number[]; cpu: number[] }>();
  for (let round = 0; round < rounds + 1; round++) {
    for (const callers of [1, 64]) {
      for (const peer of peers) {
        const before = cpuMicros(peer.pids());
        const r = await load(peer.url + path, BODY, { callers, seconds: round === 0 ? 2 : seconds });
        const cpu = (cpuMicros(peer.pids()) - before) / r.requests;
        // The first round is a warm-up.
        if (round === 0) continue;
        const key = `${callers} ${peer.name}`;
        const found = results.get(key) ?? { perSecond: [], p50: [], p99: [], cpu: [] };
        found.perSecond.push(r.perSecond);
        found.p50.push(r.p50Ms);
        found.p99.push(r.p99Ms);
        found.cpu.push(cpu);
        results.set(key, found);
        if (r.failed > 0) say(`  ${peer.name}: ${r.failed} requests failed`);
      }
    }
  }
  for (const [key, r] of [...results].sort(([a], [b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10))) {
    const [callers, ...name] = key.split(' ');
    const label = `${name.join(' ')}, ${callers} caller${callers === '1' ? '' : 's'}`;
    add(
      `${label}: requests`,
      median(r.perSecond),
      '/s',
      `p50 ${median(r.p50).toFixed(2)} ms, p99 ${median(r.p99).toFixed(2)} ms`,
    );
    add(`${label}: CPU per request`, median(r.cpu), 'µs');
  }
  const cpu = (name: string) => median(results.get(`64 ${name}`)?.cpu ?? []);
  add('router over bare proxy: CPU per request, 64 callers', cpu(router.name) / cpu((peers[1] as Peer).name), '×');
  for (const p of peers) p.stop();
  stub.stop();
}

export async function worker(release: Release, { rounds, seconds }: Rounds): Promise<void> {
  say('\ninference-worker (512 hashed words, logistic regression, ONNX Runtime), asked directly');
  const url = `${release.workers[0]}/v2/models/spam/versions/1/infer`;
  for (const callers of [1, 64]) {
    const rates: number[] = [];
    const p99: number[] = [];
    const sizes: number[] = [];
    await load(url, BODY, { callers, seconds: 1 });
    for (let round = 0; round < rounds; round++) {
      const r = await load(url, BODY, {
        callers,
        seconds,
        onAnswer: (h) => sizes.push(Number(h['x-slipway-batch-size'])),
      });
      rates.push(r.perSecond);
      p99.push(r.p99Ms);
    }
    add(
      `${callers} caller${callers === 1 ? '' : 's'}: requests`,
      median(rates),
      '/s',
      `p99 ${median(p99).toFixed(2)} ms, mean batch ${(sizes.reduce((a, b) => a + b, 0) / sizes.length).toFixed(1)}`,
    );
  }
}

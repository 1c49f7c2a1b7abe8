// `npm run bench`: the system beside its peers, in one run on one machine. Medians of interleaved rounds; no
// thresholds. Prints a table, writes JSON.
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type PredictionRow, type Rollout, topics } from '@slipway/contracts';
import { until } from '@slipway/local';
import { createKafka, createLogger, RecordProducer } from '@slipway/platform';
import { GOOD, type Release, startRelease } from '../fixtures/release.ts';
import { root } from '../fixtures/stack.ts';
import { timeVerdicts } from './verdict.ts';
import { cpuMicros, load, median, quantile, residentMiB } from './load.ts';
import { type Peer, startBareProxy, startNginx, startStub } from './peers.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    minutes: { type: 'string', default: '10' },
    out: { type: 'string', default: join(root, '.slipway', 'bench.json') },
    only: { type: 'string' },
  },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const wanted = (name: string) => !options.only || options.only.split(',').includes(name);

type Line = { what: string; value: number; unit: string; note?: string };
const lines: Line[] = [];
const say = (text: string) => process.stdout.write(`${text}\n`);
const add = (what: string, value: number, unit: string, note?: string) => {
  lines.push({ what, value, unit, ...(note ? { note } : {}) });
  say(
    `  ${what.padEnd(74)} ${value.toFixed(value < 10 ? 2 : value < 1000 ? 1 : 0).padStart(10)} ` +
      `${unit}${note ? `   ${note}` : ''}`,
  );
};
const BODY = JSON.stringify({
  inputs: [{ name: 'text', datatype: 'BYTES', shape: [1, 1], data: ['Win a prize now, click here. '.repeat(40)] }],
});

async function proxies(release: Release): Promise<void> {
  say('\nA proxy in front of a model that answers at once (1.2 KB requests)');
  const stub = await startStub();
  const { admin, operator, routers } = release;
  await admin.call('POST', '/v1/models', { name: 'bench' });
  const signature = {
    inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1, 1] }],
    outputs: [{ name: 'probability', datatype: 'FP32', shape: [-1, 1] }],
  };
  await admin.call('POST', '/v1/models/bench/versions', {
    bundle: {
      artifact: { sha256: '0'.repeat(64), uri: 'https://models.example/bench' },
      signature,
      infra: { url: stub.url },
    },
  });
  await operator.call('PUT', '/v1/endpoints/bench', { model: 'bench', version: 1 });
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
        // The first round warms up.
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

async function worker(release: Release): Promise<void> {
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

function predictionRow(): PredictionRow {
  return {
    event_id: randomUUID(),
    type: 'slipway.prediction.v1',
    source: 'bench',
    time: Date.now(),
    request_id: randomUUID(),
    endpoint: 'spam',
    rollout_id: '',
    step: -1,
    route_revision: '1.1',
    unit: 'u',
    assigned_arm: 'control',
    probability: 1,
    reason: 'rule',
    served_version: 'spam:1',
    fallback_from: '',
    status: 200,
    error_code: '',
    latency_us: 1000,
    queue_us: 1,
    compute_us: 1,
    batch_size: 1,
    price: 0,
    request: JSON.parse(BODY),
    response: { outputs: [{ name: 'class', data: [1] }] },
    shadow_rollout_id: '',
    shadow_step: -1,
    trace_id: '',
    router: '',
    boot: '',
    sequence: 0,
  };
}

async function rows(release: Release, producer: RecordProducer): Promise<void> {
  say('\nFrom an event on Kafka to a row in ClickHouse (1.7 KB rows)');
  const count = async () =>
    (await release.query<{ n: number }>("SELECT count() AS n FROM predictions WHERE source = 'bench'"))[0]?.n ?? 0;
  const total = 60_000;
  const chunk = 400;
  const began = performance.now();
  for (let sent = 0; sent < total; sent += chunk * 4)
    await Promise.all(
      [0, 1, 2, 3].map(() =>
        producer.send(topics.predictions.name, [
          { value: Array.from({ length: chunk }, () => JSON.stringify(predictionRow())).join('\n') },
        ]),
      ),
    );
  await until('every row', async () => (await count()) >= total, 120_000, 20);
  add('rows, written, sent, parsed and readable', total / ((performance.now() - began) / 1000), '/s');
  const visible: number[] = [];
  for (let i = 0; i < 60; i++) {
    const row = predictionRow();
    const at = performance.now();
    await producer.send(topics.predictions.name, [{ value: JSON.stringify(row) }]);
    await until(
      'the row',
      async () =>
        (await release.query('SELECT 1 FROM predictions WHERE event_id = {id:String}', { id: row.event_id })).length >
        0,
      20_000,
      5,
    );
    visible.push(performance.now() - at);
  }
  visible.sort((a, b) => a - b);
  add('one row: visible after, p50', quantile(visible, 0.5), 'ms', `p99 ${quantile(visible, 0.99).toFixed(0)} ms`);
}

async function comparator(release: Release, producer: RecordProducer): Promise<void> {
  say('\nshadow-comparator');
  const { id } = await release.operator.call<Rollout>('POST', '/v1/rollouts', {
    endpoint: 'spam',
    candidate: { model: 'spam', version: GOOD },
    steps: [{ shadow: { maxExcessDisagreement: '99%', until: { pairs: 10_000_000 } } }],
  });
  await release.operator.command(id, 'start', 'bench');
  const total = 20_000;
  const answer = (p: number) => ({
    outputs: [
      { name: 'probability', datatype: 'FP32', shape: [1, 1], data: [p] },
      { name: 'class', datatype: 'INT64', shape: [1, 1], data: [Math.round(p)] },
    ],
  });
  const pairs = Array.from({ length: total }, (_, i) => ({
    event_id: randomUUID(),
    time: Date.now(),
    request_id: randomUUID(),
    endpoint: 'spam',
    rollout_id: id,
    step: 0,
    control: answer(Math.random()),
    candidate: answer(Math.random()),
    noise: i % 10 === 0 ? answer(0.5) : null,
  }));
  const began = performance.now();
  for (let i = 0; i < total; i += 1000)
    await producer.send(
      topics.shadowPairs.name,
      pairs.slice(i, i + 1000).map((p) => ({ key: p.request_id, value: JSON.stringify(p) })),
    );
  await until(
    'every comparison',
    async () =>
      (
        await release.query<{ n: number }>('SELECT count() AS n FROM comparisons WHERE rollout_id = {id:String}', {
          id,
        })
      )[0]?.n === total,
    120_000,
    20,
  );
  add('pairs, sent, compared, published and readable', total / ((performance.now() - began) / 1000), '/s');
  await release.operator.command(id, 'abort', 'bench');
}

async function rollback(release: Release): Promise<void> {
  say('\nFrom the rollback command to the last answer by the bad version (two routers, 32 callers)');
  const times: number[] = [];
  for (let i = 0; i < 20; i++) {
    const { id } = await release.rollOut(GOOD, {
      steps: [{ canary: { weight: '50%', until: { requests: 10_000_000 } } }],
      guardrails: [],
    });
    await release.reach(id, 'active', (r) => r.visits.at(-1)?.phase === 'active');
    let commanded = Number.POSITIVE_INFINITY;
    let last = 0;
    let both = 0;
    const onAnswer = (h: Record<string, string | string[] | undefined>) => {
      if (h['x-slipway-version'] !== `spam:${GOOD}`) return;
      both++;
      if (performance.now() > commanded) last = performance.now();
    };
    const loads = release.routers.map((r) =>
      load(`${r}/v2/models/spam/infer`, BODY, { callers: 16, seconds: 2.5, onAnswer }),
    );
    await until('the candidate to answer', () => both > 50, 10_000, 5);
    commanded = performance.now();
    await release.operator.command(id, 'rollBack', 'bench');
    await Promise.all(loads);
    times.push(last === 0 ? 0 : last - commanded);
    await release.reach(id, 'settled', (r) => r.withdrawal?.complete === true);
  }
  times.sort((a, b) => a - b);
  add('p50', quantile(times, 0.5), 'ms');
  add('p99 (the worst of 20)', quantile(times, 0.99), 'ms');
}

async function memory(release: Release, minutes: number): Promise<void> {
  say(`\nMemory over ${minutes} minutes at 200 requests a second with a shadow of all of them, MiB`);
  const { id } = await release.rollOut(GOOD, {
    steps: [
      { shadow: { maxExcessDisagreement: '99%', until: { pairs: 10_000_000 }, compare: { fields: ['class'] } } },
      { canary: { weight: '10%' } },
    ],
    guardrails: [],
  });
  await release.reach(id, 'active', (r) => r.visits.at(-1)?.phase === 'active');
  const sender = release.sender(200);
  const names = ['router-1', 'worker-1', 'comparator-1', 'stats-1', 'drift-1', 'registry-1'];
  const seen: Record<string, number[]> = Object.fromEntries(names.map((n) => [n, []]));
  for (let minute = 0; minute <= minutes; minute++) {
    if (minute > 0) await new Promise((resolve) => setTimeout(resolve, 60_000));
    for (const n of names) seen[n]?.push(residentMiB(release.supervisor.pid(n) as number));
  }
  for (const n of names) {
    const values = seen[n] as number[];
    add(`${n} at the end`, values.at(-1) as number, 'MiB', `by minute: ${values.map((v) => v.toFixed(0)).join(' ')}`);
  }
  add('requests answered meanwhile', sender.counters.answered, '', `${sender.counters.failed} failed`);
  await sender.stop();
  await release.operator.command(id, 'abort', 'bench');
}

const machine =
  `${cpus().length} × ${cpus()[0]?.model.trim() ?? '?'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ` +
  `${process.platform} ${process.arch}, Node ${process.versions.node}; ` +
  'load generator, peers and all stores on the same machine';
say(machine);
function verdict(): void {
  say('\nA verdict on errors, latency and an outcome');
  const { ready, fromCounts } = timeVerdicts();
  add('from ready statistics', ready, 'µs');
  add('from the counts of half an hour, second by second', fromCounts, 'µs');
}

if (wanted('verdict')) verdict();
if (options.only === 'verdict') process.exit(0);
const release = await startRelease('bench', { brief: false, counts: { registries: 1, routers: 2, workers: 1 } });
const producer = new RecordProducer(
  createKafka('bench', release.kafkaBrokers.split(','), createLogger('bench', 'bench', 'silent')),
);
try {
  if (wanted('proxies')) await proxies(release);
  if (wanted('worker')) await worker(release);
  if (wanted('rows')) await rows(release, producer);
  if (wanted('comparator')) await comparator(release, producer);
  if (wanted('rollback')) await rollback(release);
  if (wanted('memory')) await memory(release, Number(options.minutes));
  mkdirSync(join(root, '.slipway'), { recursive: true });
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  writeFileSync(
    options.out,
    `${JSON.stringify({ version, at: new Date().toISOString(), machine, rounds, seconds, lines }, null, 2)}\n`,
  );
  say(`\nwritten to ${options.out}`);
} finally {
  await producer.close();
  await release.end();
}
process.exit(0);

// `npm run bench`: Slipway beside comparable systems, in one run on one machine. Medians of interleaved rounds; no
// thresholds. Prints a table, writes JSON.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createKafka, createLogger, RecordProducer } from '@slipway/platform';
import { startRelease } from '../fixtures/release.ts';
import { root } from '../fixtures/stack.ts';
import { idleRollouts } from './conductor.ts';
import { drift } from './drift.ts';
import { comparator, rows } from './events.ts';
import { add, lines, say } from './report.ts';
import { proxies, worker } from './requests.ts';
import { memory, rollback } from './rollouts.ts';
import { timeVerdicts } from './verdict.ts';

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
if (wanted('drift')) drift();
if (options.only?.split(',').every((name) => ['verdict', 'drift'].includes(name))) process.exit(0);
const release = await startRelease('bench', { brief: false, counts: { registries: 1, routers: 2, workers: 1 } });
const producer = new RecordProducer(
  createKafka('bench', release.kafkaBrokers.split(','), createLogger('bench', 'bench', 'silent')),
);
try {
  if (wanted('proxies')) await proxies(release, { rounds, seconds });
  if (wanted('worker')) await worker(release, { rounds, seconds });
  if (wanted('rows')) await rows(release, producer);
  if (wanted('comparator')) await comparator(release, producer);
  if (wanted('rollback')) await rollback(release);
  if (wanted('memory')) await memory(release, Number(options.minutes));
  // Last, because its rollouts remain.
  if (wanted('idle')) await idleRollouts(release, producer);
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

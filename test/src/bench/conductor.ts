import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { topics } from '@slipway/contracts';
import { until } from '@slipway/local';
import type { RecordProducer } from '@slipway/platform';
import type { Evidence, Rollout } from '@slipway/release';
import { Client } from 'pg';
import { GOOD, type Release } from '../fixtures/release.ts';
import { cpuMicros } from './load.ts';
import { add, say } from './report.ts';

/** Without a record for so long, a registry that has started is done with its start. */
const SETTLE_MS = 8_000;
const MEASURE_MS = 20_000;
/** Each verdict is sent in this many parts a second. */
const PARTS = 10;

/**
 * Cost of the registry and its Postgres while nothing happens: every rollout gets one verdict a second that repeats the
 * one before with other numbers. The analysers are stopped, so that only this is measured.
 */
export async function idleRollouts(
  release: Release,
  producer: RecordProducer,
  counts: readonly number[] = [0, 100, 1000],
): Promise<void> {
  say('\nRegistry and Postgres while rollouts are under way and nothing happens (a verdict a second each)');
  const postgres = new Client({ connectionString: release.databaseUrl });
  await postgres.connect();
  const { id } = await release.rollOut(GOOD, {
    steps: [{ canary: { weight: '5%', until: { requests: 10_000_000 } } }],
    guardrails: [],
  });
  const template = await release.reach(id, 'active', (r) => r.visits.at(-1)?.phase === 'active');
  for (const name of ['stats-1', 'comparator-1', 'drift-1']) await release.supervisor.stop(name);
  const ids: string[] = [];
  const speaking = speak(producer, template, ids);
  const cores: number[] = [];
  try {
    for (const count of counts) {
      await copies(postgres, template, ids, count);
      await release.supervisor.stop('registry-1');
      await release.supervisor.startAgain('registry-1');
      await quiet(release);
      cores.push(await measure(release, postgres, `${count} idle rollouts`));
    }
    const [none = 0, , most = none] = cores;
    add('one more idle rollout', ((most - none) / ((counts.at(-1) ?? 1) || 1)) * 1e6, 'µs/s');
  } finally {
    speaking.stop();
    await postgres.end();
    for (const name of ['stats-1', 'comparator-1', 'drift-1']) await release.supervisor.startAgain(name);
  }
}

/** Waits until the registry has published what every start publishes again, and nothing more for a while. */
async function quiet(release: Release): Promise<void> {
  const published = async () => {
    const text = await (await fetch(`${release.registries[0]}/metrics`)).text();
    const counts = [...text.matchAll(/^slipway_outbox_published_total\{.*\} (\d+)/gm)].map((m) => Number(m[1]));
    return counts.reduce((a, b) => a + b, 0);
  };
  let before = -1;
  await until(
    'the registry to have published everything',
    async () => {
      const now = await published();
      const same = now === before;
      before = now;
      return same;
    },
    300_000,
    SETTLE_MS,
  );
}

/** @returns cores that both take together */
async function measure(release: Release, postgres: Client, what: string): Promise<number> {
  const registry = release.supervisor.pid('registry-1') as number;
  const postmaster = release.supervisor.pid('postgres') as number;
  const transactions = async () => {
    await postgres.query('SELECT pg_stat_clear_snapshot()');
    const { rows } = await postgres.query<{ n: string }>('SELECT sum(xact_commit) AS n FROM pg_stat_database');
    return Number(rows[0]?.n);
  };
  const take = async () => ({
    at: performance.now(),
    registry: cpuMicros([registry]),
    // A backend that has ended is in the time of the children of which the postmaster knows the end.
    postgres: cpuMicros([postmaster, ...childrenOf(postmaster)]) + endedMicros(postmaster),
    transactions: await transactions(),
  });
  const before = await take();
  await new Promise((resolve) => setTimeout(resolve, MEASURE_MS));
  const after = await take();
  const seconds = (after.at - before.at) / 1000;
  const share = (part: 'registry' | 'postgres') => (after[part] - before[part]) / 1e6 / seconds;
  const both = share('registry') + share('postgres');
  add(
    `${what}: registry and Postgres`,
    both,
    'cores',
    `registry ${share('registry').toFixed(3)}, Postgres ${share('postgres').toFixed(3)}, ` +
      `${((after.transactions - before.transactions) / seconds).toFixed(0)} transactions/s`,
  );
  return both;
}

/** CPU time of the children that a process had, microseconds (a tick is 10 ms). */
function endedMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * 10_000;
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** Copies of the rollout, each of an endpoint of its own, until there are `count`. */
async function copies(postgres: Client, { id, spec }: Rollout, ids: string[], count: number): Promise<void> {
  while (ids.length < count) {
    const [copy, name] = [randomUUID(), `idle-${ids.length}`];
    await postgres.query(
      `INSERT INTO endpoints SELECT (jsonb_populate_record(e, jsonb_build_object('name', $2::text))).*
       FROM endpoints e WHERE name = $1`,
      [spec.endpoint, name],
    );
    await postgres.query(
      `INSERT INTO rollouts (id, endpoint, status, settled, created_at, doc)
       SELECT $2::uuid, $3, status, settled, created_at,
         jsonb_set(jsonb_set(doc, '{id}', to_jsonb($2::text)), '{spec,endpoint}', to_jsonb($3::text))
       FROM rollouts WHERE id = $1`,
      [id, copy, name],
    );
    await postgres.query(
      `INSERT INTO routes SELECT $2, jsonb_set(jsonb_set(jsonb_set(doc, '{endpoint}', to_jsonb($2::text)),
         '{branches,0,rollout,id}', to_jsonb($3::text)), '{branches,0,rollout,salt}', to_jsonb($3::text))
       FROM routes WHERE endpoint = $1`,
      [spec.endpoint, name, copy],
    );
    ids.push(copy);
  }
}

/** Says once a second of every rollout that there is too little data. */
function speak(producer: RecordProducer, rollout: Rollout, ids: readonly string[]): { stop: () => void } {
  let beat = 0;
  const timer = setInterval(() => {
    const part = beat++ % PARTS;
    const said = ids.flatMap((id, i) => (i % PARTS === part ? [{ value: verdict(rollout, id, beat) }] : []));
    if (said.length > 0) void producer.publish(topics.evidence, said).catch(() => undefined);
  }, 1000 / PARTS);
  return { stop: () => clearInterval(timer) };
}

const verdict = ({ revision, step, spec }: Rollout, id: string, sequence: number): Evidence => ({
  event_id: randomUUID(),
  type: 'slipway.evidence.v1',
  source: 'bench',
  time: Date.now(),
  rollout_id: id,
  endpoint: spec.endpoint,
  revision,
  step,
  analyser: 'experiment-stats',
  sequence,
  expires_at: Date.now() + 10_000,
  verdict: 'hold',
  reasons: ['insufficient_data'],
  sentence: `Too little data: ${sequence} requests.`,
  alpha: 0.05,
  arms: [],
  numbers: { requests: sequence, guardrails: Array.from({ length: 4 }, (_, i) => ({ i, value: Math.random() })) },
});

import { until } from '@slipway/local';
import { GOOD, type Release } from '../fixtures/release.ts';
import { load, quantile, residentMiB } from './load.ts';
import { add, say } from './report.ts';
import { BODY } from './requests.ts';

export async function rollback(release: Release): Promise<void> {
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
    await release.operator.rollouts.command({ id }, { command: 'rollBack', reason: 'bench' });
    await Promise.all(loads);
    times.push(last === 0 ? 0 : last - commanded);
    await release.reach(id, 'settled', (r) => r.withdrawal?.complete === true);
  }
  times.sort((a, b) => a - b);
  add('p50', quantile(times, 0.5), 'ms');
  add('p99 (the worst of 20)', quantile(times, 0.99), 'ms');
}

export async function memory(release: Release, minutes: number): Promise<void> {
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
  await release.operator.rollouts.command({ id }, { command: 'abort', reason: 'bench' });
}

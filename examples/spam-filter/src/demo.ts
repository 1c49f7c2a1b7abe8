import { formatVersion } from '@slipway/core';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RegistryClient, registryClient } from '@slipway/client';
import { candidatesOf, type Evidence, type Rollout, stepAt, terminalStatuses } from '@slipway/release';
import {
  clearData,
  dataFolder,
  defaultPorts,
  givenServers,
  type Stack,
  sleep,
  startStack,
  until,
} from '@slipway/local';
import { loadCorpus } from './corpus.ts';
import { reportDrift, sendLaterMail } from './demo-drift.ts';
import { earlier, percent, runToEnd } from './demo-rollout.ts';
import { Sender } from './sender.ts';
import { ENDPOINT, plans, register } from './setup.ts';
import { SummaryQueries } from './summary.ts';
import { buildVersions } from './versions.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const RATE = 150;
/** Sufficient for a window of drift-monitor. */
const IDLE_RATE = 50;
/** The demo takes minutes, so windows are a few seconds instead of minutes. */
const DEMO_DRIFT = { WINDOW_MS: '5000', LOOK_MS: '1000' };

export type StartOptions = { exit: boolean; fresh: boolean; began: number; say: (line: string) => void };

/** Starts everything on one machine, and runs a demo on the SpamAssassin corpus. @returns the exit status */
export async function start({ exit, fresh, began, say }: StartOptions): Promise<number> {
  const folder = dataFolder(process.env);
  if (fresh) await clearData(folder);
  const counts = { registries: 1, routers: 2, workers: 2 };
  let stack: Stack | undefined;
  let sender: Sender | undefined;
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= (async () => {
      say('stopping …');
      await Promise.race([sender?.stop(), sleep(5000)]);
      await stack?.stop();
    })();
    return stopping;
  };
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('interrupted'));
  });
  const run = async (): Promise<number> => {
    stack = await startStack({
      folder,
      counts,
      kafkaJars: join(root, '.slipway', 'cache', 'kafka-4.1.0'),
      ports: defaultPorts(counts, process.env).ports,
      given: givenServers(process.env, process.cwd()),
      env: { 'drift-1': DEMO_DRIFT },
      progress: say,
      onEvent: (line) => say(`! ${line}`),
    });
    const { secrets, routers } = stack;
    const registry = stack.registries[0] as string;
    const operator = registryClient({ url: registry, key: secrets.keys.operator });
    say('training three versions of a spam filter on one half of the SpamAssassin corpus …');
    const { train, serve, later } = loadCorpus();
    const versions = buildVersions(train, serve, later);
    for (const v of versions)
      say(
        `   version ${v.number}: ${v.note}; misfiles ${percent(v.errorRate)} of the other half, ` +
          `${percent(v.laterErrorRate)} of the corpora that were collected later`,
      );
    await register(registryClient({ url: registry, key: secrets.keys.publisher }), operator, versions);
    const { viewer: key } = secrets.keys;
    const headers = { authorization: `Bearer ${key}` };
    await until(
      'the endpoint to be served',
      async () =>
        (await fetch(`${routers[0]}/v2/models/${ENDPOINT}/ready`, { headers })).ok &&
        (await fetch(`${routers[1]}/v2/models/${ENDPOINT}/ready`, { headers })).ok,
    );
    say(
      `everything is running after ${((Date.now() - began) / 1000).toFixed(0)} s: registry ${registry}, router ` +
        `${routers[0]}, keys in ${join(stack.folder, 'secrets.json')}`,
    );

    const since = Date.now();
    sender = new Sender({ routers, endpoint: ENDPOINT, mails: serve, perSecond: RATE, labelDelayMs: 1500, key });
    sender.start();
    const sending = sender;
    const { current } = await operator.endpoints.get({ name: ENDPOINT });
    say(
      `1. ${formatVersion(current)} serves real mail; a sender posts ${RATE} mails a second to the routers, and ` +
        'the true label of each 1.5 s later',
    );
    const ended = [await earlier(operator, plans.better), await earlier(operator, plans.skewed)].filter(
      (r) => r !== undefined && terminalStatuses.has(r.status),
    ) as Rollout[];
    let [better, skewed] = ended;
    let drifted = ended.length === 2;
    if (better && skewed) {
      say(
        '   both rollouts ended in an earlier start; this is their summary (--fresh runs the demo from the beginning)',
      );
      await until('some answers', () => sending.counters.answered >= 100, 60_000);
    } else {
      await until('the first thousand answers', () => sending.counters.answered >= 1000, 60_000);
      await reportDrift(stack.drift, stack.secrets.keys.viewer, ENDPOINT, say);
      say(
        '2. a rollout of version 2 (more features, fewer errors) starts with a shadow step: it answers copies of ' +
          'the same mails, and callers never see its answers',
      );
      better = await runToEnd(operator, plans.better, say);
      say('3. a rollout of version 3 (trained with other preprocessing than it declares) starts without a shadow step');
      skewed = await runToEnd(operator, plans.skewed, say);
      await reportDrift(stack.drift, stack.secrets.keys.viewer, ENDPOINT, say);
      say('4. the input data change: the sender switches to the corpora that were collected later');
      drifted = await sendLaterMail(stack.drift, stack.secrets.keys.viewer, ENDPOINT, sending, later, say);
      sending.turnTo(serve);
    }
    const good = await summarise(stack, operator, [better, skewed], drifted, sending, since, say);
    sending.setRate(IDLE_RATE);
    if (exit) return good ? 0 : 1;
    printHelp(stack, say);
    await interrupted;
    return 0;
  };
  try {
    const result = await Promise.race([run(), interrupted]);
    return result === 'interrupted' ? (exit ? 1 : 0) : result;
  } finally {
    await stop();
  }
}

/** The version that a rollout tries, as in rows. */
const triedBy = ({ spec }: Rollout): string => candidatesOf(spec).map(formatVersion).join(', ');

async function summarise(
  stack: Stack,
  operator: RegistryClient,
  rollouts: Rollout[],
  drifted: boolean,
  sender: Sender,
  since: number,
  say: (line: string) => void,
): Promise<boolean> {
  const queries = new SummaryQueries(stack.clickhouse.analyst);
  const out: string[] = ['', 'SUMMARY', ''];
  const clock = (ms: number | null) => (ms ? new Date(ms).toISOString().slice(11, 23) : '            ');
  for (const r of rollouts) {
    out.push(`Rollout of ${triedBy(r)} against spam:${r.control.version} (${r.id})`);
    for (const v of r.visits)
      out.push(
        `   ${clock(v.entered_at)}  step ${v.step}  ${(stepAt(r.spec, v.step)?.kind ?? '').padEnd(6)}  ` +
          `${percent(v.weight).padStart(6)}  ` +
          `${v.left_at ? `for ${((v.left_at - (v.active_at ?? v.entered_at)) / 1000).toFixed(1)} s` : ''}`,
      );
    out.push(`   ${clock(r.ended_at)}  ${r.status}`);
    const spoken = (await operator.rollouts.evidence({ id: r.id })).items.filter((e) => e.verdict !== 'hold').reverse();
    const shown = new Map<string, Evidence>(spoken.map((e) => [`${e.step} ${e.verdict}`, e]));
    for (const e of shown.values()) out.push(`   - ${e.sentence}`);
  }
  const bad = rollouts.find((r) => r.status === 'rolledBack');
  let prompt = false;
  if (bad) {
    await until(
      'the last rows of the bad version',
      async () => (await queries.lastAnswerAfter(bad, triedBy(bad))).answers > 0,
      20_000,
    ).catch(() => undefined);
    await sleep(1500);
    const { verdictAt, lastAnswerAt, answers } = await queries.lastAnswerAfter(bad, triedBy(bad));
    prompt = answers > 0 && lastAnswerAt - verdictAt < 10_000;
    const after = lastAnswerAt - verdictAt;
    out.push(
      '',
      `From the verdict to the last answer by ${triedBy(bad)}: ` +
        `${after > 0 ? `${after} ms` : `0 ms (no answer after it; the last one was ${-after} ms before)`}; ` +
        `${answers} answers by it in total, from two routers.`,
      `From the verdict to the commit of the rollback in the registry: ${(bad.ended_at ?? 0) - verdictAt} ms.`,
    );
    const w = (await operator.rollouts.get({ id: bad.id })).withdrawal;
    const unreached = w && w.unreached.length > 0 ? `; not reached: ${w.unreached.join(', ')}` : '';
    out.push(`Routers that applied the end of its traffic: ${w?.applied.join(', ') || 'none yet'}${unreached}.`);
  }
  const shadow = await queries.shadow((rollouts[0] as Rollout).id);
  if (shadow)
    out.push(
      '',
      `Shadow of spam:2: ${shadow.sampled} sampled = ${shadow.paired} paired + ${shadow.failed} failed + ` +
        `${shadow.expired} expired + ${shadow.shed} shed + ${shadow.pending} pending; ${shadow.disagreed} answers ` +
        `differ; it used ${shadow.seconds.toFixed(2)} s of compute.`,
    );
  if (drifted)
    await until('the retraining message', async () => (await queries.retraining()).length > 0, 20_000).catch(
      () => undefined,
    );
  const retraining = await queries.retraining();
  for (const r of retraining) out.push('', `${r.sentence} (${r.reasons.join(', ')})`);
  // The sender has to pause: while it sends, its counts are ahead of the rows that have arrived.
  sender.setRate(0);
  const counted = () => sender.counters;
  let books = await queries.accounting(since, sender.idPrefix, counted().answered, counted().outcomesPosted);
  const balanced = () =>
    books.landed === books.answered &&
    books.outcomesLanded === books.outcomesPosted &&
    books.outcomesPosted === counted().answered;
  await until(
    'every answer and every label in ClickHouse',
    async () => {
      books = await queries.accounting(since, sender.idPrefix, counted().answered, counted().outcomesPosted);
      return balanced();
    },
    30_000,
    250,
  ).catch(() => undefined);
  out.push(
    '',
    `Accounting of this run: ${counted().sent} requests sent, ${books.answered} answered, ` +
      `${counted().failed} failed; ` +
      `${books.landed} prediction rows in ClickHouse; ${books.outcomesPosted} labels posted, ` +
      `${books.outcomesLanded} in ClickHouse; ${books.deadLetters} dead letters; ${books.missing} missing ` +
      'sequence numbers.',
    balanced() ? 'Every answer and every label is in ClickHouse.' : 'SOME ANSWERS OR LABELS ARE MISSING IN CLICKHOUSE.',
  );
  await queries.close();
  const expected: [string, boolean][] = [
    ['version 2 is promoted', rollouts[0]?.status === 'promoted'],
    ['version 3 is rolled back', rollouts[1]?.status === 'rolledBack'],
    ['the reason is the metric misfiled', rollouts[1]?.reason.includes('misfiled') === true],
    ['version 3 gives no answer later than 10 s after the verdict', prompt],
    ['every answer and every label is in ClickHouse', balanced()],
    ['no request fails', counted().failed === 0],
    ['drift-monitor reports that the data moved and the error rate rose', drifted],
    ['every sampled request has an outcome', shadow?.pending === 0],
    ['drift-monitor asks for a retraining', retraining.length > 0],
  ];
  const broken = expected.filter(([, kept]) => !kept).map(([what]) => what);
  const good = broken.length === 0;
  out.push(good ? 'The demo ended as expected.' : 'THE DEMO DID NOT END AS EXPECTED. Not met:');
  for (const what of broken) out.push(`   ${what}`);
  for (const f of sender.failures.slice(0, 5)) out.push(`   a request failed: ${f.status} ${f.detail}`);
  for (const line of out) say(line);
  return good;
}

function printHelp(stack: Stack, say: (line: string) => void): void {
  // Keys and passwords are read from their file when a command is run, so that they do not appear in the terminal.
  const keys = join(stack.folder, 'secrets.json');
  const secret = (path: string) => `"$(node -p 'require("${keys}").${path}')"`;
  for (const line of [
    '',
    `Slipway stays up (Ctrl-C stops it); the sender goes on with ${IDLE_RATE} mails a second.`,
    '',
    `   registry     ${stack.registries.join(' ')}   (API description: ${stack.registries[0]}/openapi.json)`,
    `   routers      ${stack.routers.join(' ')}`,
    `   workers      ${stack.workers.join(' ')}`,
    `   analysers    ${stack.stats} ${stack.comparator} ${stack.drift}`,
    `   ClickHouse   ${stack.clickhouse.url}   (user analyst, read only)`,
    `   Kafka        ${stack.kafkaBrokers}`,
    `   keys         ${keys}   (API keys and passwords; only you can read it)`,
    '',
    'As a service, ask for a prediction:',
    `   curl -si ${stack.routers[0]}/v2/models/spam/infer -d ` +
      `'{"inputs":[{"name":"text","datatype":"BYTES","shape":[1,1],"data":["Win $$$ now, click here"]}]}'`,
    'As an operator, roll the endpoint back to the previous version:',
    `   curl -s -X POST ${stack.registries[0]}/v1/endpoints/spam/rollback -H "authorization: Bearer ` +
      `"${secret('keys.operator')} -H 'content-type: application/json' -d '{"reason":"trying it out"}'`,
    'Find out which version answered a request, and why (the header x-request-id of the answer has its id):',
    `   curl -s ${stack.registries[0]}/v1/requests/$REQUEST_ID -H "authorization: Bearer "${secret('keys.viewer')}`,
    'As an analyst, count the answers of each version and arm:',
    `   curl -s -u analyst:${secret('clickhouse.analyst')} '${stack.clickhouse.url}/?database=slipway' -d ` +
      `'SELECT served_version, assigned_arm, reason, count() FROM predictions FINAL GROUP BY ALL ORDER BY 1, 2 ` +
      `FORMAT PrettyCompact'`,
    '',
  ])
    say(line);
}

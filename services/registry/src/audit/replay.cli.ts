// `npm run replay`: reads audit.v1 from its beginning, checks every chain and signature, and prints every endpoint's
// route as it was at an instant.
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { type Branch, openAuditKeys, topics } from '@slipway/contracts';
import { formatRevision, formatVersion } from '@slipway/core';
import { RouteReplay, trafficOf } from '@slipway/routing';
import { createKafka, createLogger, loadConnection, readTopic } from '@slipway/platform';
import { readAuditKeys } from './audit-key.store.ts';

const USAGE =
  'npm run replay -- [--brokers HOST:PORT,…] [--at INSTANT] [--endpoint NAME] [--keys FOLDER|FILE] [--json]\n';

const { values } = asked({
  options: {
    help: { type: 'boolean', default: false },
    brokers: { type: 'string', default: '127.0.0.1:9092' },
    at: { type: 'string' },
    endpoint: { type: 'string' },
    keys: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const at = values.at === undefined ? Date.now() : /^\d+$/.test(values.at) ? Number(values.at) : Date.parse(values.at);
if (Number.isNaN(at)) {
  process.stderr.write(
    `--at: "${values.at}" is not an instant; give milliseconds since the epoch or an ISO 8601 time\n`,
  );
  process.exit(2);
}
const replay = new RouteReplay(values.keys === undefined ? undefined : openAuditKeys(readAuditKeys(values.keys)));
let unreadable = 0;
await readTopic(
  createKafka(
    'slipway.replay',
    { ...loadConnection(), KAFKA_BROKERS: values.brokers.split(',') },
    createLogger('replay', 'replay', 'silent'),
  ),
  topics.audit,
  (row) => {
    if (row) replay.apply(row);
    else unreadable++;
  },
);
if (values.endpoint && !replay.endpoints().includes(values.endpoint)) {
  process.stderr.write(`--endpoint: the audit has no route of "${values.endpoint}"\n`);
  process.exit(2);
}
/** The target of a branch, and the share of each candidate. */
function told(branch: Branch): string {
  const rollout = trafficOf(branch);
  const shares = (rollout?.arms ?? [])
    .slice(1)
    .map((arm) => `, ${Math.round(arm.share * 1e4) / 100} % to ${formatVersion(arm.target)}`);
  const under = rollout ? ` (rollout ${rollout.id}, step ${rollout.step})` : '';
  return `${formatVersion(branch.target)}${shares.join('')}${under}`;
}
for (const endpoint of replay.endpoints()) {
  if (values.endpoint && values.endpoint !== endpoint) continue;
  const route = replay.at(endpoint, at);
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ endpoint, at, route: route ?? null })}\n`);
    continue;
  }
  process.stdout.write(
    route
      ? `${endpoint} at ${new Date(at).toISOString()}: revision ${formatRevision(route.revision)}, ` +
          `${route.branches.map(told).join('; ')}\n`
      : `${endpoint} did not exist at ${new Date(at).toISOString()}\n`,
  );
}
for (const b of replay.broken) process.stdout.write(`BROKEN ${b.aggregate} row ${b.n}: ${b.why}\n`);
for (const u of replay.unsigned) process.stdout.write(`NOT SIGNED ${u.aggregate} row ${u.n}: ${u.why}\n`);
const signatures =
  values.keys === undefined
    ? 'signatures were not checked (give --keys: the folder of the public keys, or a saved verification)'
    : `${replay.unsigned.length} not signed by any of the keys`;
process.stderr.write(
  `${replay.rows} audit rows, ${replay.broken.length} broken, ${unreadable} records are no rows; ${signatures}\n`,
);
process.exit(replay.broken.length + replay.unsigned.length === 0 ? 0 : 1);

function asked<T extends ParseArgsConfig>(config: T) {
  try {
    return parseArgs(config);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}

// `npm run replay`: reads audit.v1 from its beginning, checks every chain, and prints every endpoint's route as it was
// at an instant.
import { parseArgs } from 'node:util';
import { auditRowSchema, formatRevision, formatVersion, RouteReplay, topics } from '@slipway/contracts';
import { createKafka, createLogger, loadSecurity, readTopic } from '@slipway/platform';

const { values } = parseArgs({
  options: {
    brokers: { type: 'string', default: '127.0.0.1:9092' },
    at: { type: 'string' },
    endpoint: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const at = values.at === undefined ? Date.now() : /^\d+$/.test(values.at) ? Number(values.at) : Date.parse(values.at);
if (Number.isNaN(at)) {
  process.stderr.write(`--at: "${values.at}" is no instant; give milliseconds since the epoch or an ISO 8601 time\n`);
  process.exit(2);
}
const replay = new RouteReplay();
await readTopic(
  createKafka(
    'slipway.replay',
    { ...loadSecurity(), KAFKA_BROKERS: values.brokers.split(',') },
    createLogger('replay', 'replay', 'silent'),
  ),
  topics.audit.name,
  ({ value }) => {
    const row = auditRowSchema.safeParse(JSON.parse(value?.toString('utf8') ?? 'null'));
    if (row.success) replay.apply(row.data);
  },
);
for (const endpoint of replay.endpoints()) {
  if (values.endpoint && values.endpoint !== endpoint) continue;
  const route = replay.at(endpoint, at);
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ endpoint, at, route: route ?? null })}\n`);
    continue;
  }
  const share = route?.rollout
    ? `, ${Math.round(route.rollout.weight * 1e4) / 100} % to ` +
      `${route.candidate ? formatVersion(route.candidate) : 'nobody'} (rollout ${route.rollout.id}, step ` +
      `${route.rollout.step})`
    : '';
  process.stdout.write(
    route
      ? `${endpoint} at ${new Date(at).toISOString()}: revision ${formatRevision(route.revision)}, ` +
          `${formatVersion(route.control)}${share}\n`
      : `${endpoint} did not exist at ${new Date(at).toISOString()}\n`,
  );
}
for (const b of replay.broken) process.stdout.write(`BROKEN ${b.aggregate} row ${b.n}: ${b.why}\n`);
process.stderr.write(`${replay.rows} audit rows, ${replay.broken.length} broken\n`);
process.exit(replay.broken.length === 0 ? 0 : 1);

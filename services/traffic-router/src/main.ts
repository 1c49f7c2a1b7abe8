import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { formatVersion } from '@slipway/core';
import { accessKeySchema, type Instance, type Route, routerApi, routeSchema, topics } from '@slipway/contracts';
import { oip } from '@slipway/protocol';
import { armsOf, Ejections, parseTargetKey, targetKey, targetsOf, trafficOf } from '@slipway/routing';
import {
  AccessReplica,
  ByteBudget,
  CallerAccess,
  createKafka,
  DeadLetters,
  defaultAccess,
  gauge,
  loadConfig,
  RecordProducer,
  runHeartbeat,
  runService,
  StateReplica,
  steadyNow,
  TargetClient,
  workerHeaders,
} from '@slipway/platform';
import { v7 as uuidv7 } from 'uuid';
import { AssignmentController } from './assignment/assignment.controller.ts';
import { configSchema } from './config.ts';
import { InferProxy } from './inference/infer.proxy.ts';
import { RowJournal } from './journal/rows.journal.ts';
import { OutcomeNames } from './outcome/outcome-names.store.ts';
import { OUTCOME_JOURNAL, OutcomeController, ROUTER_NAME } from './outcome/outcome.controller.ts';
import { RouteTable } from './routing/route-table.ts';
import { Snapshot, soon } from './routing/snapshot.store.ts';
import { shadowRecord } from './shadow/shadow-line.ts';
import { ShadowTap } from './shadow/shadow-tap.client.ts';

const monotonic = () => performance.now();

/** The ejected targets of an endpoint, each once. */
const ejectedOf = (ejections: Ejections, { branches }: Route) =>
  branches.flatMap((branch) => {
    const targets = armsOf(branch).map((arm) => arm.target);
    return targets.flatMap((target) =>
      ejections.ejected(
        target,
        targets.filter((other) => other !== target),
      ),
    );
  });

await runService('traffic-router', loadConfig(configSchema, process.env), async (config, { log, onClose }) => {
  const boot = uuidv7();
  mkdirSync(config.DATA_DIR, { recursive: true });
  const kafka = createKafka(config.INSTANCE_ID, config, log);
  const producer = new RecordProducer(kafka);
  onClose('producer', () => producer.close());

  const snapshots = {
    routes: new Snapshot(config.DATA_DIR, 'routes', routeSchema),
    access: new Snapshot(config.DATA_DIR, 'access', accessKeySchema),
  };
  const save = <T>(what: string, snapshot: { save: (states: readonly T[]) => void }, states: readonly T[]) => {
    try {
      snapshot.save(states);
    } catch (error) {
      // What was read is in force all the same; only a restart without Kafka would begin with something older.
      log.error({ err: error }, `the snapshot of the ${what} could not be saved`);
    }
  };
  const routes = new RouteTable(monotonic);
  for (const route of snapshots.routes.load()) routes.apply(route.endpoint, route);
  const deadLetters = new DeadLetters(producer, config.INSTANCE_ID);
  const keys = new AccessReplica({
    kafka,
    instanceId: config.INSTANCE_ID,
    log,
    deadLetters,
    beganWith: snapshots.access.load(),
    onChange: soon((all) => save('API keys', snapshots.access, all)),
  });
  onClose('keys', () => keys.close());

  const journal = (name: string, topic: typeof topics.predictions | typeof topics.outcomes) =>
    new RowJournal({
      folder: join(config.DATA_DIR, 'journal', name),
      topic,
      producer,
      log,
      maxBytes: config.JOURNAL_MAX_BYTES,
    });
  const predictions = journal('predictions', topics.predictions);
  const outcomes = journal('outcomes', topics.outcomes);
  // What waits for the shadow is bounded tightly: it is worth less than the rows.
  const shadows = new RowJournal({
    folder: join(config.DATA_DIR, 'journal', 'shadow-requests'),
    topic: topics.shadowRequests,
    producer,
    log,
    maxBytes: config.SHADOW_JOURNAL_MAX_BYTES,
    record: shadowRecord,
  });
  onClose('journals', async () => void (await Promise.all([predictions.close(), outcomes.close(), shadows.close()])));

  const ejections = new Ejections(monotonic);
  const bytes = new ByteBudget(config.MAX_BYTES_IN_FLIGHT);
  const client = new TargetClient({
    connections: config.CONNECTIONS_PER_TARGET,
    waiting: config.WAITING_PER_TARGET,
    bytes: config.MAX_BYTES_IN_FLIGHT / 4,
  });
  onClose('targets', () => client.close());
  const access = new CallerAccess(config.ROUTER_ACCESS ?? defaultAccess(config.HOST), keys.keys, () => keys.isReady);
  const proxy = new InferProxy({
    access,
    routes,
    ejections,
    client,
    journal: predictions,
    shadow: new ShadowTap(shadows, producer, config.INSTANCE_ID, log),
    log,
    router: config.INSTANCE_ID,
    boot,
    bytes,
    maxBodyBytes: config.MAX_BODY_BYTES,
    uploadTimeoutMs: config.UPLOAD_TIMEOUT_MS,
    maxLoggedBytes: config.MAX_LOGGED_BYTES,
    journalFull: config.JOURNAL_FULL,
    workerKey: config.WORKER_KEY,
  });

  const saveRoutes = soon(() => save('routes', snapshots.routes, routes.all()));
  const replica = new StateReplica({
    kafka,
    topic: topics.routes,
    groupId: config.INSTANCE_ID,
    log,
    beganWith: routes.all().map((r) => r.endpoint),
    onState: (endpoint, route) => {
      proxy.flush();
      if (!routes.apply(endpoint, route)) return;
      heartbeat.now();
      saveRoutes(endpoint);
    },
    deadLetters,
  });
  routes.lastContact = () => replica.lastContactMs;
  onClose('routes', () => replica.close());

  const heartbeat = runHeartbeat(producer, log, (): Instance => {
    const leases = routes
      .all()
      .filter((r) => r.branches.some(trafficOf) && !routes.leaseHolds(r))
      .map((r) => r.endpoint);
    const ejected = routes.all().flatMap((r) => ejectedOf(ejections, r));
    return {
      instance_id: config.INSTANCE_ID,
      kind: 'router',
      boot,
      address: config.ADDRESS,
      time: steadyNow(),
      applied: routes.applied(),
      versions: [],
      ejections: ejected.map((e) => e.key),
      ejected_ms: Object.fromEntries(ejected.map((e) => [e.key, Math.round(e.ms)])),
      counters: {
        answered: proxy.answered,
        in_flight: proxy.inFlight,
        journal_bytes: predictions.waitingBytes + outcomes.waitingBytes + shadows.waitingBytes,
        journal_refused: predictions.refused + outcomes.refused,
      },
      notes: leases.length > 0 ? { lease_expired: leases.join(',') } : {},
    };
  });
  onClose('heartbeat', () => heartbeat.stop());

  const probing = setInterval(() => {
    const named = new Map(
      routes.all().flatMap((r) => targetsOf(r).flatMap((t) => t.addresses.map((a) => [targetKey(t, a), t] as const))),
    );
    const keys = new Set(named.keys());
    ejections.retain(keys);
    client.retain(keys);
    for (const key of ejections.down()) {
      const down = parseTargetKey(key);
      if (!down) continue;
      const { address, version } = down;
      void client
        .probe(address, oip.probe(version), oip.isReady, workerHeaders(named.get(key), config.WORKER_KEY))
        .then((up) => up && ejections.ready(key));
    }
  }, 1000);
  onClose('probing', () => clearInterval(probing));

  const gauges = {
    waiting: gauge('slipway_router_journal_bytes', 'Bytes in the journal that Kafka has not acknowledged', ['journal']),
    refused: gauge('slipway_router_journal_refused_rows', 'Rows that the journal did not take', ['journal']),
    targets: gauge(
      'slipway_router_targets',
      'Addresses of the versions that take traffic, by whether they are ejected',
      ['endpoint', 'version', 'state'],
    ),
    bytes: gauge('slipway_router_bytes_in_flight', 'Bytes of the bodies of requests that are under way', []),
    lease: gauge(
      'slipway_router_lease_expired',
      '1 while the candidate gets no traffic because Kafka is out of reach',
      ['endpoint'],
    ),
  };
  const measuring = setInterval(() => {
    for (const [name, j] of [
      ['predictions', predictions],
      ['outcomes', outcomes],
      ['shadow-requests', shadows],
    ] as const) {
      gauges.waiting.set({ journal: name }, j.waitingBytes);
      gauges.refused.set({ journal: name }, j.refused);
    }
    gauges.bytes.set(bytes.used);
    gauges.targets.reset();
    for (const r of routes.all()) {
      for (const t of targetsOf(r)) {
        const ejected = t.addresses.filter((a) => ejections.isEjected(targetKey(t, a))).length;
        gauges.targets.set(
          { endpoint: r.endpoint, version: formatVersion(t), state: 'up' },
          t.addresses.length - ejected,
        );
        gauges.targets.set({ endpoint: r.endpoint, version: formatVersion(t), state: 'ejected' }, ejected);
      }
    }
    for (const r of routes.all())
      gauges.lease.set({ endpoint: r.endpoint }, r.branches.some(trafficOf) && !routes.leaseHolds(r) ? 1 : 0);
  }, 1000);
  onClose('measuring', () => clearInterval(measuring));

  return {
    access,
    api: routerApi,
    controllers: [AssignmentController, OutcomeController],
    providers: [
      { provide: RouteTable, useValue: routes },
      { provide: OutcomeNames, useValue: new OutcomeNames(config.DATA_DIR) },
      { provide: OUTCOME_JOURNAL, useValue: outcomes },
      { provide: ROUTER_NAME, useValue: config.INSTANCE_ID },
    ],
    hotHandler: proxy.handle,
    // With Kafka away a router is ready once it has a snapshot to serve from.
    readiness: [
      { name: 'routes', ready: () => replica.isReady || routes.all().length > 0 },
      { name: 'keys', ready: () => keys.isReady },
    ],
    started: () => {
      keys.start();
      replica.start();
      predictions.start();
      outcomes.start();
      shadows.start();
      heartbeat.start();
    },
  };
});

import { isUtf8 } from 'node:buffer';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { assignArm, Ejections } from '@slipway/routing';
import type { Route, RouteArm, Target } from '@slipway/contracts';
import {
  ByteBudget,
  CallerAccess,
  createListener,
  createLogger,
  digestOf,
  TargetClient,
  type TargetLimits,
} from '@slipway/platform';
import { afterEach, expect } from 'vitest';
import { RouteTable } from '../routing/route-table.ts';
import { InferProxy, type InferProxyParts } from './infer.proxy.ts';

export type Row = Record<string, unknown> & { reason: string; error_code: string; sequence: number };
export type Model = (req: IncomingMessage, res: ServerResponse, attempt: number) => void;

const log = createLogger('test', 'test', 'silent');
/** Cleans up what a test has started. */
export const open: (() => Promise<unknown>)[] = [];
/** For the calling file: what a test has started ends with it. */
export function endAfterEach(): void {
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });
}

export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A model's server; it has read the whole request when `model` is called. */
export function serve(model: Model): Promise<string> {
  let attempts = 0;
  return listen(createServer((req, res) => req.resume().on('end', () => model(req, res, attempts++))));
}
export const good: Model = (_, res) => res.writeHead(200, { 'content-type': 'application/json' }).end('{"outputs":[]}');
export const hangs: Model = () => {};

const OPERATOR = digestOf('operator');
const operator = { id: 'o', name: 'operator', role: 'operator' as const };
/** The endpoint's route: with a candidate, each arm has half of the users. */
export type Served = { control: Target; candidate: Target | null; timeout_ms: number };
const arms = (control: Target, candidate: Target): RouteArm[] => [
  { name: 'control', target: control, share: 0.5 },
  { name: 'candidate', target: candidate, share: 0.5 },
];
/** As it arrives from Kafka: through JSON, so that it shares no objects. */
const routeOf = (served: Served, n: number): Route => JSON.parse(JSON.stringify(routeWith(served, n)));
const routeWith = ({ control, candidate, timeout_ms }: Served, n: number): Route => ({
  endpoint: 'spam',
  revision: { epoch: 1, n },
  published_at: 0,
  branches: [
    {
      name: 'main',
      unit: 'user',
      signature: { inputs: [], outputs: [] },
      target: control,
      rollout: candidate && { id: 'r', step: 0, salt: 'r', arms: arms(control, candidate), shadow: null },
    },
  ],
  lease_ms: 1000,
  timeout_ms,
  outcome_names: [],
});
/** A target that is not a worker. */
export const targetAt = (version: number, ...addresses: string[]): Target => ({
  model: 'spam',
  version,
  addresses,
  protocol: 'oip',
  workers: false,
  price: 0,
});
export const units = (arm: string, n: number) =>
  Array.from({ length: 10 * n }, (_, i) => `user-${i}`)
    .filter((u) => assignArm('r', u, arms(targetAt(1), targetAt(2))).name === arm)
    .slice(0, n);
export const CANDIDATE = units('candidate', 1)[0] as string;
export const CONTROL = units('control', 1)[0] as string;

/** The router's hot path between a real HTTP server and real model servers. */
export async function startRouter(
  control: string,
  candidate: string,
  extra: Partial<Served> = {},
  limits: TargetLimits = { connections: 4, waiting: 8 },
  parts: Partial<InferProxyParts> = {},
) {
  const rows: Row[] = [];
  const state = { contact: true, disk: true, now: 0 };
  const speaking = (target: Target) => ({ ...target, protocol: parts.protocols?.[0]?.name ?? target.protocol });
  const given = { control: targetAt(1, control), candidate: targetAt(2, candidate), timeout_ms: 3000, ...extra };
  const served = {
    ...given,
    control: speaking(given.control),
    candidate: given.candidate && speaking(given.candidate),
  };
  const routes = new RouteTable(() => 0);
  routes.lastContact = () => (state.contact ? 0 : -5000);
  routes.apply('spam', routeOf(served, 1));
  const client = new TargetClient(limits);
  open.push(() => client.close());
  const ejections = new Ejections(() => state.now);
  const bytes = new ByteBudget(10_000_000);
  const proxy = new InferProxy({
    routes,
    ejections,
    client,
    access: new CallerAccess('open', { owner: (digest) => (digest === OPERATOR ? operator : undefined) }),
    log,
    journal: {
      append: (pieces) => {
        expect(isUtf8(Buffer.concat(pieces))).toBe(true);
        if (state.disk)
          for (const line of Buffer.concat(pieces).toString().trim().split('\n')) rows.push(JSON.parse(line));
        return state.disk;
      },
    },
    shadow: { sample: () => undefined, journal: () => {} },
    router: 'router-1',
    boot: 'boot',
    maxBodyBytes: 100_000,
    uploadTimeoutMs: 30_000,
    maxLoggedBytes: 10_000,
    journalFull: 'refuse',
    workerKey: 'worker-key',
    bytes,
    ...parts,
  });
  const url = await listen(createListener((_, res) => res.writeHead(404).end(), proxy.handle, log));
  const ask = async (unit: string, headers: Record<string, string> = {}, body: string | Uint8Array = '{}') => {
    const response = await fetch(`${url}/v2/models/spam/infer`, {
      method: 'POST',
      headers: { 'x-slipway-unit': unit, ...headers },
      body: body as never,
    });
    const text = await response.text();
    return { status: response.status, arm: response.headers.get('x-slipway-version'), headers: response.headers, text };
  };
  const change = (to: Partial<Served>) => {
    proxy.flush();
    routes.apply('spam', routeOf({ ...served, ...to }, (routes.get('spam')?.revision.n ?? 0) + 1));
  };
  return { ask, rows, state, change, ejections, routes, url, bytes };
}

/** An upload that sends `first` of `declared` bytes, and `rest` when told to. */
export function upload(url: string, declared: number, first: number, headers: string[] = []) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const lines = ['POST /v2/models/spam/infer HTTP/1.1', 'Host: x', `Content-Length: ${declared}`, ...headers, '', ''];
  socket.write(lines.join('\r\n'));
  socket.write('x'.repeat(first));
  let answer = '';
  socket.setEncoding('latin1').on('data', (d) => (answer += d));
  open.push(async () => socket.destroy());
  const ended = new Promise<string>((resolve) => socket.on('close', () => resolve(answer)).on('error', () => {}));
  return { socket, ended };
}
export const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
};

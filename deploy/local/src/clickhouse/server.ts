// ClickHouse's HTTP interface in front of the embedded engine, in a process of its own. Clients use it like a
// ClickHouse server.
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { AnalystSessions } from './analyst-sessions.ts';
import { answerFor } from './errors.ts';
import { addressOf, bodyOf, requestOf } from './http-request.ts';
import { sendResult } from './http-result.ts';
import { authenticate, type User } from './logins.ts';
import { type QueryRequest, type QueryResult, SessionPool } from './session-pool.ts';
import { unlessLate } from './unless-late.ts';
import { Unsent } from './unsent.ts';
import { dropPrivileges } from './unprivileged.ts';

const need = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};
const folder = need('DATA_DIR');
const port = Number(need('PORT'));
// A killed consumer keeps its partitions until its session ends, so this is shorter than librdkafka's 45 s. Its timeout
// for a frozen broker (60 s) is kept: with 8 s it lost its group permanently in 3 % of freezes of 10 s, instead of in
// 0.4 %.
const configFile = join(folder, '..', 'clickhouse.xml');
// The embedded engine has one thread per core for Kafka tables (a server has 16): two busy topics would delay the
// others by a minute.
writeFileSync(
  configFile,
  `<clickhouse>
  <background_message_broker_schedule_pool_size>16</background_message_broker_schedule_pool_size>
  <background_schedule_pool_size>16</background_schedule_pool_size>
  <kafka>
    <session_timeout_ms>6000</session_timeout_ms>
    <heartbeat_interval_ms>2000</heartbeat_interval_ms>
  </kafka>
</clickhouse>
`,
);
// From here on this process cannot read files of other users, such as the secrets: the second protection.
dropPrivileges(process.env['RUN_AS'], folder);
const writers = new SessionPool(folder, 6, configFile);
const unsent = new Unsent();
const analysts = new AnalystSessions(folder, configFile, new SessionPool(folder, 1, configFile), () => {
  // Only the end of the process stops them. Its supervisor restarts it; the data are kept.
  console.error('too many queries of analysts cannot be stopped: ClickHouse ends itself and is restarted');
  process.kill(process.pid, 'SIGKILL');
});
/** The logins, by the SHA-256 of their passwords: the passwords themselves are not in this process. */
const users: Record<string, User> = {
  slipway: { passwordDigest: need('SLIPWAY_PASSWORD_SHA256'), role: 'writer', maxBodyBytes: 256 * 1024 * 1024 },
  analyst: { passwordDigest: need('ANALYST_PASSWORD_SHA256'), role: 'analyst', maxBodyBytes: 1024 * 1024 },
};

/** A Kafka table whose client hangs cannot be detached: only the end of the process frees it. */
const DETACH_MS = 15_000;
const endHung = () => {
  console.error(`a table could not be detached within ${DETACH_MS / 1000} s: ClickHouse ends itself and is restarted`);
  process.kill(process.pid, 'SIGKILL');
};

async function run(user: User, request: QueryRequest, url: URL, res: ServerResponse): Promise<QueryResult> {
  const id = url.searchParams.get('session_id') ?? undefined;
  const timeoutSeconds = Number(url.searchParams.get('session_timeout') ?? 60) || 60;
  if (user.role === 'writer') {
    const close = url.searchParams.get('close_session') === '1';
    // In a session of its own: if it waited for others, it would look as if it hung.
    if (/^\s*DETACH\s/i.test(request.sql))
      return unlessLate(
        writers.queryIn({ id: randomUUID(), timeoutSeconds, close: true }, request),
        DETACH_MS,
        endHung,
      );
    return id === undefined ? writers.query(request) : writers.queryIn({ id, timeoutSeconds, close }, request);
  }
  const gone = new AbortController();
  const leave = () => gone.abort();
  res.once('close', leave);
  try {
    const result = await analysts.query(request, {
      sessionId: id,
      sessionTimeoutSeconds: timeoutSeconds,
      gone: gone.signal,
    });
    unsent.hold(result.bytes.length, res);
    return result;
  } finally {
    res.off('close', leave);
  }
}

/** @throws any error before the response has begun */
async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const url = addressOf(req);
  if (url.pathname === '/ping' || url.pathname === '/replicas_status') {
    res.end('Ok.\n');
    return;
  }
  if (url.pathname !== '/') {
    res.writeHead(404).end('There is no handle for this path. Use / or /ping.\n');
    return;
  }
  res.setHeader('X-ClickHouse-Query-Id', url.searchParams.get('query_id') ?? randomUUID());
  res.setHeader('X-ClickHouse-Timezone', 'UTC');
  res.setHeader('X-ClickHouse-Server-Display-Name', 'slipway-local');
  const user = authenticate(users, req, url);
  if (req.method === 'GET' && !url.searchParams.get('query')) {
    res.end('Ok.\n');
    return;
  }
  const request = await requestOf(url, req, await bodyOf(req, url, user.maxBodyBytes));
  await sendResult(await run(user, request, url, res), request, url, req, res);
}

/** The engine's answer to everything after a part of it has crashed, until its process ends. */
const CRASHED = /^Code: 236\. DB::Exception: The server is shutting down due to a fatal error/;

function refuse(error: unknown, res: ServerResponse): void {
  if (CRASHED.test((error as Error).message)) {
    console.error('the engine has crashed: ClickHouse ends itself and is restarted');
    process.kill(process.pid, 'SIGKILL');
  }
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const { status, code, message, retryAfterSeconds } = answerFor(error);
  if (retryAfterSeconds !== undefined) res.setHeader('Retry-After', String(retryAfterSeconds));
  res.setHeader('X-ClickHouse-Exception-Code', code);
  res.writeHead(status, { 'Content-Type': 'text/plain; charset=UTF-8' }).end(`${message}\n`);
}

// A request can fail by itself only, and never end the process.
const server = createServer((req, res) => void answer(req, res).catch((error: unknown) => refuse(error, res)));
server.keepAliveTimeout = 65_000;
server.listen(port, '127.0.0.1');

/** Longer than the engine takes to close. */
const CLOSE_MS = 10_000;
const stop = () => {
  server.close();
  server.closeAllConnections();
  // A hanging Kafka client would block this thread in `close` for ever; the data survive a kill.
  new Worker(`setTimeout(() => process.kill(${process.pid}, 'SIGKILL'), ${CLOSE_MS})`, { eval: true });
  // An orderly end would have to wait for them.
  if (!analysts.close()) process.kill(process.pid, 'SIGKILL');
  writers.close();
  process.exit(0);
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
process.on('disconnect', stop);

import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, postgresServer, Supervisor } from '@slipway/local';
import { isTransient, postgresTls } from '@slipway/platform';
import { openPostgres } from '@slipway/platform/postgres.store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeCertificate } from '../fixtures/certificate.ts';

let folder: string;
let supervisor: Supervisor;
let url: string;
let ca: string;

beforeAll(async () => {
  // Postgres may run as another user, who must be able to read its certificate.
  folder = mkdtempSync(join(tmpdir(), 'postgres-tls-'));
  chmodSync(folder, 0o711);
  const made = makeCertificate(folder);
  ca = readFileSync(made.certificate, 'utf8');
  const [port] = await freePorts(1);
  const server = postgresServer(join(folder, 'postgres'), port as number, 'a password');
  const own = join(folder, 'own');
  mkdirSync(own);
  for (const [from, name] of [
    [made.certificate, 'certificate.pem'],
    [made.key, 'key.pem'],
  ] as const) {
    copyFileSync(from, join(own, name));
    chmodSync(join(own, name), 0o600);
    if (server.spec.uid !== undefined) chownSync(join(own, name), server.spec.uid, server.spec.gid as number);
  }
  const options = ['ssl=on', `ssl_cert_file=${join(own, 'certificate.pem')}`, `ssl_key_file=${join(own, 'key.pem')}`];
  supervisor = new Supervisor(folder);
  await supervisor.start({ ...server.spec, args: [...server.spec.args, ...options.flatMap((o) => ['-c', o])] });
  await server.createDatabase();
  url = server.url;
});
afterAll(async () => {
  await supervisor?.stopAll();
  rmSync(folder, { recursive: true, force: true });
});

/** Whether the server reports that the connection is encrypted. */
async function encrypted(tls: Parameters<typeof postgresTls>[0]): Promise<boolean> {
  const source = await openPostgres(url, 'test', [], [], postgresTls(tls));
  try {
    const [row] = await source.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
    return row.ssl;
  } finally {
    await source.destroy();
  }
}

it('is contacted over TLS when DATABASE_TLS is set, and its certificate is checked', async () => {
  expect(await encrypted({ DATABASE_TLS: true, DATABASE_TLS_CA: ca })).toBe(true);
  await expect(encrypted({ DATABASE_TLS: true })).rejects.toThrow(/self-signed certificate/);
  expect(await encrypted({ DATABASE_TLS: false })).toBe(false);
});

it.each([
  ['in the clear', { DATABASE_TLS: false }],
  ['over TLS', { DATABASE_TLS: true }],
] as const)('%s, a connection without data is given up as a transient fault, and a new one is made', async (_, tls) => {
  const through: Socket[] = [];
  const front = createServer((socket) => {
    const server = connect(Number(new URL(url).port), '127.0.0.1');
    for (const s of [socket, server]) s.on('error', () => undefined);
    socket.pipe(server).pipe(socket);
    socket.on('close', () => server.destroy());
    through.push(socket, server);
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  const fronted = new URL(url);
  fronted.port = String((front.address() as AddressInfo).port);
  const silenceMs = 1000;
  const source = await openPostgres(
    fronted.href,
    'test',
    [],
    [],
    postgresTls({ ...tls, ...(tls.DATABASE_TLS ? { DATABASE_TLS_CA: ca } : {}) }),
    silenceMs,
  );
  try {
    // A connection in use is not given up, however old it is.
    const runner = source.createQueryRunner();
    const backend = async () => (await runner.query('SELECT pg_backend_pid() AS pid, pg_sleep(0.4)'))[0].pid as number;
    const first = await backend();
    for (let i = 0; i < 4; i++) expect(await backend()).toBe(first);
    await runner.release();
    // The network silently drops the data of all existing connections, without breaking them.
    for (const s of through) s.unpipe().pause();
    const fault: unknown = await source.query('SELECT 2').then(
      () => 'answered',
      (error: unknown) => error,
    );
    expect(fault).toMatchObject({ message: `Postgres said nothing for ${silenceMs} ms` });
    expect(isTransient(fault)).toBe(true);
    expect(await source.query('SELECT 3 AS x')).toEqual([{ x: 3 }]);
  } finally {
    await source.destroy();
    for (const s of through) s.destroy();
    front.close();
  }
});

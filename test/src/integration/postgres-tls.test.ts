import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, postgresServer, Supervisor } from '@slipway/local';
import { openPostgres, postgresTls } from '@slipway/platform';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeCertificate } from '../fixtures/certificate.ts';

let folder: string;
let supervisor: Supervisor;
let url: string;
let ca: string;

beforeAll(async () => {
  // Postgres may run as another user, who has to reach its certificate.
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

/** Whether the server says that the connection is encrypted. */
async function encrypted(tls: Parameters<typeof postgresTls>[0]): Promise<boolean> {
  const source = await openPostgres(url, 'test', [], [], postgresTls(tls));
  try {
    const [row] = await source.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
    return row.ssl;
  } finally {
    await source.destroy();
  }
}

it('is spoken to over TLS when DATABASE_TLS says so, and its certificate is checked', async () => {
  expect(await encrypted({ DATABASE_TLS: true, DATABASE_TLS_CA: ca })).toBe(true);
  await expect(encrypted({ DATABASE_TLS: true })).rejects.toThrow(/self-signed certificate/);
  expect(await encrypted({ DATABASE_TLS: false })).toBe(false);
});

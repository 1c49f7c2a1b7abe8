import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ProcessSpec } from '../process/supervisor.ts';
import { runAs } from './unprivileged.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** The embedded ClickHouse engine behind ClickHouse's HTTP interface. */
export function clickHouseSpec(
  folder: string,
  port: number,
  passwords: { slipway: string; analyst: string },
): ProcessSpec {
  mkdirSync(folder, { recursive: true });
  return {
    name: 'clickhouse',
    command: process.execPath,
    args: [fileURLToPath(new URL('./server.js', import.meta.url))],
    env: {
      DATA_DIR: folder,
      PORT: String(port),
      SLIPWAY_PASSWORD_SHA256: sha256(passwords.slipway),
      ANALYST_PASSWORD_SHA256: sha256(passwords.analyst),
      RUN_AS: runAs(folder),
      UV_THREADPOOL_SIZE: '16',
    },
    cwd: folder,
    ipc: true,
    ready: async () => (await fetch(`http://127.0.0.1:${port}/ping`)).ok,
  };
}

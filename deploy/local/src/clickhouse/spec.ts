import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ProcessSpec } from '../supervisor.ts';

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
      SLIPWAY_PASSWORD: passwords.slipway,
      ANALYST_PASSWORD: passwords.analyst,
      UV_THREADPOOL_SIZE: '16',
    },
    cwd: folder,
    ipc: true,
    ready: async () => (await fetch(`http://127.0.0.1:${port}/ping`)).ok,
  };
}

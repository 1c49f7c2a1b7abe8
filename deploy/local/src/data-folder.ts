import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Supervisor } from './process/supervisor.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The data folder of `npm start` and `npm run dev`: `SLIPWAY_DATA_DIR`, or `.slipway/data`. */
export function dataFolder(env: NodeJS.ProcessEnv): string {
  return env['SLIPWAY_DATA_DIR'] ?? join(root, '.slipway', 'data');
}

/** Ends the processes that an earlier start left running on this folder, and deletes the folder. */
export async function clearData(folder: string): Promise<void> {
  await new Supervisor(folder).endLeftovers();
  rmSync(folder, { recursive: true, force: true });
}

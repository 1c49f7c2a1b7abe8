import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Vitest calls this before unit tests. They import other packages from `dist`, so these are compiled first. Nx has
 * built them already when it runs the tests of a project.
 * @throws Error with the compiler's messages
 */
export function setup() {
  if (process.env['NX_TASK_TARGET_PROJECT']) return;
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-b'], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the sources do not compile:\n${stdout}`);
}

// One file per program of a service: a service loads about 900 modules, which costs it a second of CPU at every start,
// and half of that as one file. A router that was killed is back that much earlier.
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Found at run time, not built in: native code. */
const EXTERNAL = [/^onnxruntime-node$/];

/**
 * Bundles what `tsc` built: `services/NAME/dist/{main,*.cli}.js` → `services/NAME/bundle/`. Nothing is done for
 * services whose bundle is newer than everything that was built.
 * @param {string} root of the repository, absolute
 */
export async function bundleServices(root) {
  const folders = (parent) => readdirSync(join(root, parent)).map((name) => join(root, parent, name));
  const built = newest(folders('libs').map((folder) => join(folder, 'dist')));
  for (const service of folders('services')) {
    const dist = join(service, 'dist');
    const done = join(service, 'bundle', '.done');
    if (!existsSync(join(dist, 'main.js'))) continue;
    if (existsSync(done) && statSync(done).mtimeMs > Math.max(built, newest([dist]))) continue;
    await bundle(service, dist);
    writeFileSync(done, '');
  }
}

async function bundle(service, dist) {
  const { rolldown } = await import('rolldown');
  const programs = readdirSync(dist, { recursive: true }).filter((f) => /(^|\/)(main|[\w-]+\.cli)\.js$/.test(f));
  const build = await rolldown({
    // Beside each other: a program finds another by `./NAME.cli.js`.
    input: Object.fromEntries(programs.map((file) => [basename(file, '.js'), join(dist, file)])),
    platform: 'node',
    external: EXTERNAL,
    onLog(level, log, report) {
      // What libraries look for and do without when it is not installed.
      if (log.code === 'UNRESOLVED_IMPORT' && /node_modules/.test(log.id ?? log.message)) return;
      if (level !== 'info') report(level, log);
    },
  });
  const folder = join(service, 'bundle');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  await build.write({
    dir: folder,
    format: 'esm',
    // Classes are told of by their names in logs and errors.
    keepNames: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  });
  await build.close();
}

/** When the youngest `.js` file in the folders was written, milliseconds since the epoch. */
function newest(folders) {
  let latest = 0;
  for (const folder of folders.filter(existsSync))
    for (const file of readdirSync(folder, { recursive: true }))
      if (file.endsWith('.js')) latest = Math.max(latest, statSync(join(folder, file)).mtimeMs);
  return latest;
}

// Bundles each program of a service into one file. A service loads about 900 modules, which costs a second of CPU at
// every start and half of that as one file, so a killed router is back sooner.
// `node deploy/bundle.mjs [services/NAME …]` bundles these services, or all.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Native code, found at run time and not bundled. */
const EXTERNAL = [/^onnxruntime-node$/];

/**
 * Bundles what `tsc` built: `services/NAME/dist/{main,*.cli}.js` → `services/NAME/bundle/`. Skips services whose bundle
 * is newer than everything that was built.
 * @param {string} root of the repository, absolute
 * @param {string[]} [services] folders from the root; all by default
 * @returns {Promise<string[]>} the names of services whose programs have changed
 */
export async function bundleServices(root, services = readdirSync(join(root, 'services')).map((s) => `services/${s}`)) {
  const built = newest(readdirSync(join(root, 'libs')).map((name) => join(root, 'libs', name, 'dist')));
  const changed = [];
  for (const service of services.map((folder) => join(root, folder))) {
    const dist = join(service, 'dist');
    const done = join(service, 'bundle', '.done');
    if (!existsSync(join(dist, 'main.js'))) continue;
    const before = existsSync(done) ? readFileSync(done, 'utf8') : '';
    if (before !== '' && statSync(done).mtimeMs > Math.max(built, newest([dist]))) continue;
    const digest = await bundle(service, dist);
    writeFileSync(done, digest);
    if (digest !== before) changed.push(basename(service));
  }
  return changed;
}

/** @returns the digest of the written files */
async function bundle(service, dist) {
  const { rolldown } = await import('rolldown');
  const programs = readdirSync(dist, { recursive: true }).filter((f) => /(^|\/)(main|[\w-]+\.cli)\.js$/.test(f));
  const build = await rolldown({
    // In one folder: a program finds another by `./NAME.cli.js`.
    input: Object.fromEntries(programs.map((file) => [basename(file, '.js'), join(dist, file)])),
    platform: 'node',
    external: EXTERNAL,
    onLog(level, log, report) {
      // Optional dependencies that are not installed.
      if (log.code === 'UNRESOLVED_IMPORT' && /node_modules/.test(log.id ?? log.message)) return;
      if (level !== 'info') report(level, log);
    },
  });
  const folder = join(service, 'bundle');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const { output } = await build.write({
    dir: folder,
    format: 'esm',
    // Class names appear in logs and errors.
    keepNames: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  });
  await build.close();
  const digest = createHash('sha256');
  for (const chunk of output) digest.update(`${chunk.fileName}\n${chunk.code}\n`);
  return digest.digest('hex');
}

/** Time of the newest `.js` file in the folders, milliseconds since the epoch. */
function newest(folders) {
  let latest = 0;
  for (const folder of folders.filter(existsSync))
    for (const file of readdirSync(folder, { recursive: true }))
      if (file.endsWith('.js')) latest = Math.max(latest, statSync(join(folder, file)).mtimeMs);
  return latest;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folders = process.argv.slice(2);
  await bundleServices(fileURLToPath(new URL('..', import.meta.url)), folders.length > 0 ? folders : undefined);
}

// `npm run dev`: the stores and services on one machine, without the demo. When the source of a service or library
// changes, it is built, and the services whose programs have changed are restarted.
import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleServices } from '../bundle.mjs';
import { Advice, kafkaJars, prepare, root } from './bootstrap.mjs';

const USAGE = `npm run dev               start stores and services; a change of source restarts the services concerned
npm run dev -- --fresh    delete the data of earlier starts first (\`npm start\` has the same data)
`;
/** Interval for checking the sources. Their times are polled, because file system events differ by platform. */
const POLL_MS = 400;
const COUNTS = { registries: 1, routers: 1, workers: 1 };

const began = Date.now();
const say = (line) => process.stdout.write(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The folders of `libs` or `services`, absolute. */
const projects = (parent) => readdirSync(join(root, parent)).map((name) => join(root, parent, name));

/** Changes when a source file is written, created, renamed or deleted. */
function stateOfSources() {
  const files = [];
  for (const project of [...projects('libs'), ...projects('services')])
    for (const file of readdirSync(join(project, 'src'), { recursive: true })) {
      if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
      const path = join(project, 'src', file);
      files.push(`${path} ${statSync(path).mtimeMs}`);
    }
  return files.join('\n');
}

/** The same, or undefined when a file disappeared meanwhile (an editor is saving). */
function readSources() {
  try {
    return stateOfSources();
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @returns {Promise<string | undefined>} the compiler's errors, if any */
function compile() {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const child = spawn(process.execPath, [tsc, '-b', ...projects('services')], { cwd: root });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0 ? undefined : output.trim()));
  });
}

/** Builds, and restarts what has changed. After a failed build the running services are kept. */
async function apply(stack) {
  const since = Date.now();
  const faults = await compile();
  if (faults !== undefined) return say(`the change does not compile; the running services are kept:\n${faults}`);
  const changed = await bundleServices(root);
  if (changed.length === 0) return say('built; no service has changed');
  const names = changed.flatMap((service) => stack.processes[service] ?? []);
  say(`built; restarting ${names.join(', ')} …`);
  await Promise.all(
    names.map(async (name) => {
      try {
        await stack.supervisor.restart(name);
        say(`${name} is ready, ${((Date.now() - since) / 1000).toFixed(1)} s after the change`);
      } catch (error) {
        say(`! ${error.message}`);
      }
    }),
  );
}

async function watch(stack, isStopped) {
  let applied = readSources();
  while (!isStopped()) {
    await sleep(POLL_MS);
    const seen = readSources();
    if (seen === undefined || seen === applied) continue;
    // Editors and checkouts write several files, so it waits until nothing changes any more.
    await sleep(POLL_MS);
    if (readSources() !== seen) continue;
    applied = seen;
    await apply(stack);
  }
}

async function main({ fresh }) {
  await prepare(say);
  const { clearData, dataFolder, defaultPorts, givenServers, startStack } = await import('./dist/index.js');
  const folder = dataFolder(process.env);
  if (fresh) await clearData(folder);
  let stopped = false;
  const interrupted = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, resolve);
  }).then(() => (stopped = true));
  const stack = await startStack({
    folder,
    counts: COUNTS,
    kafkaJars,
    ports: defaultPorts(COUNTS, process.env).ports,
    given: givenServers(process.env, process.cwd()),
    progress: say,
    onEvent: (line) => say(`! ${line}`),
  });
  try {
    say(`everything is up: registry ${stack.registries[0]}, router ${stack.routers[0]}, worker ${stack.workers[0]}`);
    say(`keys in ${join(folder, 'secrets.json')}, logs in ${join(folder, 'logs')}`);
    say('watching libs/*/src and services/*/src; Ctrl-C stops everything');
    await Promise.race([watch(stack, () => stopped), interrupted]);
  } finally {
    say('stopping …');
    await stack.stop();
  }
}

try {
  const { values } = parseArgs({
    options: { fresh: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  });
  if (values.help) process.stdout.write(USAGE);
  else await main(values);
} catch (error) {
  if (!(error instanceof Advice) && error?.name !== 'Advice' && error?.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION')
    throw error;
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = 1;
}
process.exit();

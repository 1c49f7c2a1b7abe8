// Prepares what every program here needs: packages, the build, Kafka's jars. Plain Node, since nothing is installed
// yet.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleServices } from '../bundle.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const cacheDir = join(root, '.slipway', 'cache');
const KAFKA_VERSION = '4.1.0';
export const kafkaJars = join(cacheDir, `kafka-${KAFKA_VERSION}`);

/** An error that one sentence explains: it says what to do. */
export class Advice extends Error {}

function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    child.stdout.on('data', (d) => (output += d));
    child.stderr.on('data', (d) => (output += d));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0
        ? resolve(output)
        : reject(new Advice(`\`${command} ${args.join(' ')}\` failed with status ${code}:\n${output.slice(-4000)}`)),
    );
  });
}

function output(command, args) {
  return new Promise((resolve) =>
    execFile(command, args, (error, stdout, stderr) => resolve(error ? undefined : `${stdout}${stderr}`)),
  );
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    throw new Advice(
      `Slipway needs Node 20.19 or later; this is ${process.versions.node}. Install a newer Node and run the ` +
        'command again.',
    );
}

async function checkJava() {
  const text = await output('java', ['-version']);
  if (text === undefined)
    throw new Advice(
      'Slipway runs Apache Kafka on Java, and there is no `java` here: install a JDK 17 or later (or set ' +
        'KAFKA_BROKERS to a Kafka that runs already).',
    );
  const version = Number(/version "(?:1\.)?(\d+)/.exec(text)?.[1] ?? 0);
  if (version < 17)
    throw new Advice(
      `Apache Kafka 4 needs Java 17 or later; this \`java\` is ${version}. Install a JDK 17 or later (or set ` +
        'KAFKA_BROKERS to a Kafka that runs already).',
    );
}

async function installPackages(say) {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.slipway-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  say('installing packages (npm ci) …');
  // Its post-install step downloads files that only CUDA needs; npm 11 does not run it (allowScripts), npm 10 would.
  await run('npm', ['ci', '--no-audit', '--no-fund'], {
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  });
  writeFileSync(stamp, lock);
}

async function fetchKafka(say) {
  if (existsSync(join(kafkaJars, 'complete'))) return;
  if ((await output('mvn', ['-v'])) === undefined)
    throw new Advice(
      "Slipway fetches Kafka's jars with Maven, and there is no `mvn` here: install Maven (or set KAFKA_BROKERS " +
        'to a Kafka that runs already).',
    );
  say(`fetching Apache Kafka ${KAFKA_VERSION} (Maven) …`);
  mkdirSync(cacheDir, { recursive: true });
  const partial = `${kafkaJars}.${process.pid}`;
  await run('mvn', [
    '-q',
    '-B',
    '-f',
    join(root, 'deploy', 'kafka', 'pom.xml'),
    'dependency:copy-dependencies',
    `-DoutputDirectory=${partial}`,
  ]);
  writeFileSync(join(partial, 'complete'), '');
  rmSync(kafkaJars, { recursive: true, force: true });
  renameSync(partial, kafkaJars);
}

/** Folder of the Python packages of the tests, for PYTHONPATH. */
export const pythonPackages = join(cacheDir, 'python');

/** The tests also use clients in another language: Python's Kafka and ClickHouse clients, in a folder of their own. */
export async function preparePython(say) {
  const requirements = [
    join(root, 'test', 'python', 'requirements.txt'),
    join(root, 'examples', 'foreign-service', 'requirements.txt'),
  ];
  const wanted = createHash('sha256')
    .update(requirements.map((r) => readFileSync(r, 'utf8')).join())
    .digest('hex');
  const stamp = join(pythonPackages, 'complete');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  if ((await output('python3', ['-m', 'pip', '--version'])) === undefined)
    throw new Advice(
      'The tests run clients in Python, and there is no `python3` with pip here: install Python 3.9 or later with pip.',
    );
  say('fetching Python clients for the tests (pip) …');
  rmSync(pythonPackages, { recursive: true, force: true });
  await run('python3', [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--root-user-action=ignore',
    '--target',
    pythonPackages,
    '-r',
    requirements[0],
  ]);
  writeFileSync(stamp, wanted);
}

/**
 * Installs, builds and downloads what is missing, and reports each step.
 * @param {boolean} [options.given] whether a Kafka named by KAFKA_BROKERS is used, so that none has to be downloaded
 * @throws Advice
 */
export async function prepare(say, { given = true } = {}) {
  checkNode();
  const ownKafka = !given || !process.env.KAFKA_BROKERS;
  if (ownKafka) await checkJava();
  await prepareBuild(say);
  if (ownKafka) await fetchKafka(say);
}

/** Packages and build, for programs that need no servers. @throws Advice */
export async function prepareBuild(say) {
  checkNode();
  await installPackages(say);
  say('building …');
  await run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b']);
  await bundleServices(root);
}

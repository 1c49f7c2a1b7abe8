import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import type { ProcessSpec } from './process/supervisor.ts';

/** 16 random bytes in base64url; a value beginning with a dash would be taken for an option. */
function clusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}

/**
 * Apache Kafka in KRaft mode, one node that is broker and controller.
 * @param more lines of properties, which override those here, options for formatting the log directory, and whether the
 * broker is `brief`: it runs for minutes only, so its JVM compiles quickly rather than well (half of the CPU of a
 * start)
 */
export function kafkaSpec(
  folder: string,
  jars: string,
  ports: { broker: number; controller: number },
  more: { properties?: string[]; format?: string[]; brief?: boolean } = {},
): ProcessSpec {
  mkdirSync(folder, { recursive: true });
  const properties = join(folder, 'server.properties');
  writeFileSync(
    properties,
    `${[
      'process.roles=broker,controller',
      'node.id=1',
      `listeners=BROKER://127.0.0.1:${ports.broker},CONTROLLER://127.0.0.1:${ports.controller}`,
      `advertised.listeners=BROKER://127.0.0.1:${ports.broker}`,
      'listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name=BROKER',
      'controller.listener.names=CONTROLLER',
      `controller.quorum.bootstrap.servers=127.0.0.1:${ports.controller}`,
      `log.dirs=${join(folder, 'data')}`,
      'auto.create.topics.enable=false',
      'group.initial.rebalance.delay.ms=0',
      'offsets.topic.num.partitions=4',
      'offsets.topic.replication.factor=1',
      'transaction.state.log.num.partitions=4',
      'transaction.state.log.replication.factor=1',
      'transaction.state.log.min.isr=1',
      'share.coordinator.state.topic.replication.factor=1',
      'share.coordinator.state.topic.min.isr=1',
      'log.cleaner.backoff.ms=15000',
      'num.network.threads=2',
      'num.io.threads=4',
      ...(more.properties ?? []),
    ].join('\n')}\n`,
  );
  const classpath = join(jars, '*');
  const data = join(folder, 'data');
  if (!existsSync(join(data, 'meta.properties'))) {
    const formatted = `${jars}-formatted`;
    if (!more.format && existsSync(formatted)) copyFormatted(formatted, data);
    else {
      const tool = ['-cp', classpath, 'kafka.tools.StorageTool', 'format', '--standalone'];
      execFileSync('java', [...tool, '-t', clusterId(), '-c', properties, ...(more.format ?? [])], { stdio: 'pipe' });
      if (!more.format) keepFormatted(data, formatted);
    }
  }
  return {
    name: 'kafka',
    command: 'java',
    args: [
      '-Xmx512m',
      '-Xms256m',
      '-XX:+UseSerialGC',
      ...(more.brief ? ['-XX:TieredStopAtLevel=1'] : []),
      loadedClasses(jars),
      '-Djava.awt.headless=true',
      '-cp',
      classpath,
      'kafka.Kafka',
      properties,
    ],
    cwd: folder,
    stopSignal: 'SIGTERM',
    ready: () => accepts(ports.broker),
  };
}

/**
 * The first broker writes an archive of its loaded classes when it stops, with which the next ones start in half of the
 * time. An archive belongs to one JDK and one set of jars; without its first bytes, which are written last, it is
 * invalid.
 */
function loadedClasses(jars: string): string {
  const archive = `${jars}-${machineOf(jars)}.jsa`;
  if (existsSync(archive) && !isWhole(archive)) rmSync(archive, { force: true });
  return existsSync(archive) ? `-XX:SharedArchiveFile=${archive}` : `-XX:ArchiveClassesAtExit=${archive}`;
}

/** Identifies the JDK of `java` and the time of the jars, in eight characters. */
function machineOf(jars: string): string {
  const java = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'java'))
    .find((file) => existsSync(file));
  const runtime = java === undefined ? '' : join(dirname(dirname(realpathSync(java))), 'lib', 'modules');
  const dated = [runtime, join(jars, 'complete')].map((file) =>
    existsSync(file) ? `${file} ${statSync(file).size} ${statSync(file).mtimeMs}` : file,
  );
  return createHash('sha256').update(dated.join('\n')).digest('hex').slice(0, 8);
}

function isWhole(archive: string): boolean {
  const file = openSync(archive, 'r');
  try {
    const first = Buffer.alloc(4);
    return readSync(file, first) === 4 && first.readUInt32LE() !== 0;
  } finally {
    closeSync(file);
  }
}

/** Formatting needs a JVM: its result is reused for later brokers, each with a cluster id of its own. */
function keepFormatted(data: string, formatted: string): void {
  const partial = `${formatted}.${process.pid}`;
  cpSync(data, partial, { recursive: true });
  try {
    renameSync(partial, formatted);
  } catch {
    // Another start stored it first.
    rmSync(partial, { recursive: true, force: true });
  }
}

function copyFormatted(formatted: string, data: string): void {
  cpSync(formatted, data, { recursive: true });
  const meta = join(data, 'meta.properties');
  writeFileSync(meta, readFileSync(meta, 'utf8').replace(/^cluster\.id=.*$/m, `cluster.id=${clusterId()}`));
}

export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

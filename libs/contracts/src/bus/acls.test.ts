import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { acls, printAcls } from './acls.ts';
import { topics } from './topics.ts';

const kafka = fileURLToPath(new URL('../../../../deploy/kafka', import.meta.url));
const writers = (topic: { name: string }) =>
  acls.filter((a) => a.operation === 'Write' && a.names.includes(topic.name)).map((a) => a.principal);

it('lets each kind of decision be written by its one owner alone', () => {
  expect(writers(topics.routes)).toEqual(['registry']);
  expect(writers(topics.loads)).toEqual(['registry']);
  expect(writers(topics.profiles)).toEqual(['registry']);
  expect(writers(topics.rollouts)).toEqual(['registry']);
  expect(writers(topics.access)).toEqual(['registry']);
  expect(writers(topics.audit)).toEqual(['registry']);
  expect(writers(topics.evidence)).toEqual(['analyser']);
  expect(writers(topics.instances)).toEqual(['registry', 'router', 'worker']);
});

// `npm run docs` prints it again.
it('is what deploy/kafka/acls.txt says', async () => {
  await expect(printAcls()).toMatchFileSnapshot(`${kafka}/acls.txt`);
});

it.each(['', 'staging.'])('is what deploy/kafka/acls.sh tells kafka-acls.sh, with the prefix "%s"', (prefix) => {
  const said = execFileSync('sh', [`${kafka}/acls.sh`, 'broker:9092', '--command-config', 'admin.properties'], {
    env: { PATH: process.env['PATH'], KAFKA_ACLS: 'echo', ...(prefix ? { TOPIC_PREFIX: prefix } : {}) },
    encoding: 'utf8',
  });
  expect(said.trim().split('\n')).toEqual(
    acls.map((a) =>
      [
        '--bootstrap-server broker:9092 --command-config admin.properties --add',
        `--allow-principal User:${prefix}slipway-${a.principal} --operation ${a.operation}`,
        `--resource-pattern-type ${a.pattern}`,
        ...a.names.map((n) => `--${a.resource} ${prefix}${n}`),
      ].join(' '),
    ),
  );
});

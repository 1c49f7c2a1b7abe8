import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { acls, printAcls } from './acls.ts';
import { topics } from './topics.ts';

const kafka = fileURLToPath(new URL('../../../../deploy/kafka', import.meta.url));
const writers = (topic: { name: string }) =>
  acls.filter((a) => a.operation === 'Write' && a.names.includes(topic.name)).map((a) => a.principal);

it('allow only one principal to write each kind of state and decision', () => {
  expect(writers(topics.routes)).toEqual(['registry']);
  expect(writers(topics.loads)).toEqual(['registry']);
  expect(writers(topics.profiles)).toEqual(['registry']);
  expect(writers(topics.rollouts)).toEqual(['registry']);
  expect(writers(topics.access)).toEqual(['registry']);
  expect(writers(topics.audit)).toEqual(['registry']);
  expect(writers(topics.evidence)).toEqual(['analyser']);
  expect(writers(topics.instances)).toEqual(['registry', 'router', 'worker']);
});

// `npm run docs` updates it.
it('match deploy/kafka/acls.txt', async () => {
  await expect(printAcls()).toMatchFileSnapshot(`${kafka}/acls.txt`);
});

it.each(['', 'staging.'])('match what deploy/kafka/acls.sh passes to kafka-acls.sh, with the prefix "%s"', (prefix) => {
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

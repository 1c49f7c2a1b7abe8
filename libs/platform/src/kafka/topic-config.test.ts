import { topics } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { topicConfig } from './topic-config.ts';

const inSync = (replicas: number) =>
  Object.values(topics).map((t) => topicConfig(t, replicas).find((e) => e.name === 'min.insync.replicas')?.value);

it('asks for two copies of a record before it counts as written, once there are three replicas', () => {
  expect(new Set(inSync(3))).toEqual(new Set(['2']));
  expect(new Set(inSync(5))).toEqual(new Set(['2']));
});

it('does not stop writing when one of two replicas is lost', () => {
  expect(new Set([...inSync(1), ...inSync(2)])).toEqual(new Set([undefined]));
});

import { expect, it } from 'vitest';
import { following, together } from './feature.ts';

it('features are combined: their parts in order, each started after the one before', async () => {
  const did: string[] = [];
  const slow = async () => {
    await Promise.resolve();
    did.push('first');
  };
  const ready = (name: string) => ({ name, ready: () => true });
  const service = together(
    { readiness: [ready('a')], started: slow },
    { providers: ['p'] as never[] },
    { readiness: [ready('b')], started: () => void did.push('second') },
  );
  expect(service.readiness.map((check) => check.name)).toEqual(['a', 'b']);
  expect(service.providers).toEqual(['p']);
  expect(service.controllers).toEqual([]);
  await service.started();
  expect(did).toEqual(['first', 'second']);
});

it('what a service reads is closed at the same time, and it is ready when each has been read', async () => {
  const closing: string[] = [];
  const replica = (name: string, isReady: boolean) => ({
    isReady,
    start: () => void closing.push(`started ${name}`),
    close: async () => {
      closing.push(`closing ${name}`);
      await Promise.resolve();
      closing.push(`closed ${name}`);
    },
  });
  const closers: (() => unknown)[] = [];
  const feature = following({ a: replica('a', true), b: replica('b', false) }, {
    onClose: (_: string, close: () => unknown) => void closers.push(close),
  } as never);
  expect(feature.readiness?.map(({ name, ready }) => [name, ready()])).toEqual([
    ['a', true],
    ['b', false],
  ]);
  await feature.started?.();
  for (const close of closers) await close();
  expect(closing).toEqual(['started a', 'started b', 'closing a', 'closing b', 'closed a', 'closed b']);
});

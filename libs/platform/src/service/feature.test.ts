import { expect, it } from 'vitest';
import { together } from './feature.ts';

it('features are one: what they bring in order, and each is started when the one before has', async () => {
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

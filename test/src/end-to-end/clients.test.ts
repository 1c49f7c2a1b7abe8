import { afterAll, beforeAll } from 'vitest';
import { type Release, startRelease } from '../fixtures/release.ts';
import { describeDocs } from './docs.ts';
import { describeForeignEvents } from './foreign-events.ts';
import { describePoison } from './poison.ts';

let release: Release;
beforeAll(async () => {
  release = await startRelease('clients', {
    counts: { registries: 1, routers: 2, workers: 1 },
    // The pages' readers use the first router, which needs no key; the foreign service sends one to the second.
    env: { 'router-2': { ROUTER_ACCESS: 'key' }, 'drift-1': { LOOK_MS: '500' } },
  });
});
afterAll(() => release?.end());

// First: the pages' questions are answered by the rows that the pages themselves have made.
describeDocs(() => release);
describeForeignEvents(() => release);
// Last: the other parts must find only dead letters that they know.
describePoison(() => release);

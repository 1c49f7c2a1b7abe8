import { afterAll, beforeAll } from 'vitest';
import { type Release, startRelease } from '../fixtures/release.ts';
import { describeDocs } from './docs.ts';
import { describeForeignEvents } from './foreign-events.ts';
import { describePoison } from './poison.ts';

let release: Release;
beforeAll(async () => {
  release = await startRelease('clients', {
    counts: { registries: 1, routers: 2, workers: 1 },
    // The pages' readers need no key at the first router; the service of others shows one to the second.
    env: { 'router-2': { ROUTER_ACCESS: 'key' }, 'drift-1': { LOOK_MS: '500' } },
  });
});
afterAll(() => release?.end());

// First: the pages' questions are answered by the rows that the pages have made.
describeDocs(() => release);
describeForeignEvents(() => release);
// Last: the others have nothing set aside that they do not know of.
describePoison(() => release);

import { afterAll, beforeAll } from 'vitest';
import { type Release, startRelease } from '../fixtures/release.ts';
import { describeExplanation } from './explanation.ts';
import { describeFailing } from './failing-candidates.ts';
import { describeRollouts } from './rollouts.ts';
import { describeSeveralArms } from './several-arms.ts';

let release: Release;
beforeAll(async () => {
  release = await startRelease('releases', { counts: { registries: 1, routers: 2, workers: 1 } });
});
afterAll(() => release?.end());

describeRollouts(() => release);
describeFailing(() => release);
describeSeveralArms(() => release);
// Last: it also reads every row and change that the other parts have made.
describeExplanation(() => release);

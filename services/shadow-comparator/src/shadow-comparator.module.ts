import { analyserModule } from '@slipway/platform';
import { ANALYSERS } from '@slipway/release';
import { comparisons } from './comparison/comparison.module.ts';
import { ShadowCountsStore } from './verdict/shadow-counts.store.ts';
import { ShadowVerdict } from './verdict/shadow-verdict.store.ts';

/** Compares the answers of a shadow, and judges by their counts whether the candidate differs too much. */
export const shadowComparator = analyserModule(ANALYSERS.shadow, (context) => {
  const verdict = new ShadowVerdict(new ShadowCountsStore(context.clickhouse));
  return { look: (rollout) => verdict.look(rollout), ...comparisons(context) };
});

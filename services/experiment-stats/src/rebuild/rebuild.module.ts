import type { AnalyserConfig, AnalyserContext, Feature } from '@slipway/platform';
import type { Analysis } from '../analysis/analyse.store.ts';
import { RebuildController } from './rebuild.controller.ts';
import { RebuildStore } from './rebuild.store.ts';

/** Judges again what a recorded verdict had seen. */
export function rebuild({ clickhouse }: AnalyserContext<AnalyserConfig>, analysis: Analysis): Feature {
  return {
    controllers: [RebuildController],
    providers: [{ provide: RebuildStore, useValue: new RebuildStore(clickhouse, analysis) }],
  };
}

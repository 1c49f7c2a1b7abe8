import { type Analyser, type AnalyserConfig, type AnalyserContext, KafkaBatchServer } from '@slipway/platform';
import type { Rollout } from '@slipway/release';
import { PairConsumer } from './pair.consumer.ts';

/** Reads pairs of answers, and publishes their differences by the rules of their rollouts. */
export function comparisons(context: AnalyserContext<AnalyserConfig>): Omit<Analyser, 'look'> {
  const { config, log, kafka, producer, deadLetters, rolloutsKnown } = context;
  const rollouts = new Map<string, Rollout>();
  return {
    onRollout: (id, rollout) => {
      if (rollout) rollouts.set(id, rollout);
      else rollouts.delete(id);
    },
    controllers: [PairConsumer],
    providers: [
      {
        provide: PairConsumer.PARTS,
        useValue: { rollouts, rolloutsKnown, producer, source: config.INSTANCE_ID, log },
      },
    ],
    transports: [new KafkaBatchServer({ kafka, groupId: 'slipway.shadow-comparator', deadLetters, log })],
  };
}

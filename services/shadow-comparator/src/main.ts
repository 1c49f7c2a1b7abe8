import { ANALYSERS, type Rollout } from '@slipway/release';
import { KafkaBatchServer, loadConfig, runAnalyser } from '@slipway/platform';
import { configSchema } from './config.ts';
import { PairConsumer } from './comparison/pair.consumer.ts';
import { ShadowCountsStore } from './verdict/shadow-counts.store.ts';
import { ShadowVerdict } from './verdict/shadow-verdict.store.ts';

const config = loadConfig(configSchema, process.env);
await runAnalyser('shadow-comparator', ANALYSERS.shadow, config, (context) => {
  const { log, kafka, producer, deadLetters, clickhouse, rolloutsKnown } = context;
  const verdict = new ShadowVerdict(new ShadowCountsStore(clickhouse));
  const rollouts = new Map<string, Rollout>();
  return {
    look: (rollout) => verdict.look(rollout),
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
});

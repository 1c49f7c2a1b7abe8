import { createHash } from 'node:crypto';
import { isRefusal, type RegistryClient } from '@slipway/client';
import type { BuiltVersion } from './versions.ts';

export const ENDPOINT = 'spam';
export const MODEL = 'spam';

async function unlessThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isRefusal(error, 409)) return undefined;
    throw error;
  }
}

/** Registers the model, its versions and their files, the metric and the endpoint; existing ones are not changed. */
export async function register(
  publisher: RegistryClient,
  operator: RegistryClient,
  versions: readonly BuiltVersion[],
): Promise<void> {
  await unlessThere(
    publisher.models.create({
      name: MODEL,
      description: 'Is this mail spam? Logistic regression over hashed words.',
    }),
  );
  for (const v of versions) {
    for (const file of [v.onnx, v.trainingData])
      await publisher.artifacts.put({ sha256: createHash('sha256').update(file).digest('hex') }, file);
    await publisher.versions.register({ model: MODEL }, { version: v.number, bundle: v.bundle });
  }
  await publisher.metrics.put(
    { name: 'misfiled' },
    {
      kind: 'proportion',
      source: { outcome: 'label', compare: { differs_from: 'class' } },
      per: 'observed',
      direction: 'lower',
      margin: 1.1,
      window: '1h',
      description: 'Mails whose true label is not the class that was predicted.',
    },
  );
  try {
    await operator.endpoints.get({ name: ENDPOINT });
  } catch (error) {
    if (!isRefusal(error, 404)) throw error;
    await operator.endpoints.put({ name: ENDPOINT }, { model: MODEL, version: 1 });
  }
}

const guardrails = [
  { metric: 'error_rate' },
  { metric: 'misfiled', maxRatio: 1.1 },
  { metric: 'latency', maxRatio: 2 },
];

/** The two rollouts of the demo. The second one has no shadow step: its operator skipped it to save time. */
export const plans = {
  better: {
    endpoint: ENDPOINT,
    candidate: { model: MODEL, version: 2 },
    guardrails,
    steps: [
      {
        shadow: {
          sample: '100%',
          until: { pairs: 600 },
          maxExcessDisagreement: '10%',
          noise: '10%',
          compare: { fields: ['class'] },
        },
      },
      { dark: {} },
      { canary: { weight: '5%', until: { requests: 100, for: '8s' } } },
      { canary: { weight: '25%', until: { requests: 500, for: '8s' } } },
      { switch: {} },
      { watch: { for: '12s', holdBack: '5%' } },
    ],
  },
  skewed: {
    endpoint: ENDPOINT,
    candidate: { model: MODEL, version: 3 },
    guardrails,
    steps: [
      { canary: { weight: '10%', until: { requests: 5000, for: '60s' } } },
      { canary: { weight: '50%', until: { requests: 5000, for: '60s' } } },
      { switch: {} },
      { watch: { for: '60s', holdBack: '5%' } },
    ],
  },
};

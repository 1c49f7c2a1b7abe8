import { builtInMetrics } from './metrics/metric.ts';
import { type Evidence, type Verdict } from './evidence.ts';
import { type Rollout } from './rollout.ts';
import { rolloutSpecSchema } from './spec.ts';
import type { Capacity } from './capacity.ts';
import type { Policy, World } from './decide.ts';

export const NOW = 1_000_000;
/** What is known of the only candidate. */
export const worldOf = (capacity: Capacity, failure?: string): World => ({
  candidates: { candidate: { capacity, failure } },
  routersFollow: true,
});
export const policy: Policy = { silenceMs: 60_000, prepareMs: 300_000 };

/** A rollout of spam:2 against spam:1 that was created 50 s ago. @param rest of its specification */
export const createdRollout = (steps: object[], rest: object = {}): Rollout => ({
  id: '0198c0de-0000-7000-8000-000000000001',
  revision: { epoch: 1, n: 1 },
  spec: rolloutSpecSchema.parse({
    endpoint: 'spam',
    ...('candidates' in rest ? {} : { candidate: { model: 'spam', version: 2 } }),
    steps,
    ...rest,
  }),
  control: { model: 'spam', version: 1 },
  metrics: [...builtInMetrics],
  alpha: 0.05,
  status: 'created',
  step: -1,
  weight: 0,
  visits: [],
  created_at: NOW - 50_000,
  created_by: 'op',
  started_at: null,
  ended_at: null,
  reason: '',
  evidence_id: null,
  withdrawal: null,
});

/** Evidence about that rollout at its seventh revision. */
export const evidenceSaying = (verdict: Verdict, change: Partial<Evidence> = {}): Evidence => ({
  event_id: '0198c0de-0000-7000-8000-000000000009',
  type: 'slipway.evidence.v1',
  source: 's',
  time: 5,
  rollout_id: '0198c0de-0000-7000-8000-000000000001',
  endpoint: 'spam',
  revision: { epoch: 1, n: 7 },
  step: 0,
  analyser: 'experiment-stats',
  sequence: 1,
  expires_at: 10_005,
  verdict,
  reasons: ['x'],
  sentence: `It says ${verdict}.`,
  arms: [],
  alpha: 0.05,
  numbers: {},
  ...change,
});

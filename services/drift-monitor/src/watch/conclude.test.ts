import { builtInMetrics, type Rollout, rolloutSpecSchema } from '@slipway/release';
import type { DriftJudgement } from '@slipway/stats';
import { describe, expect, it } from 'vitest';
import { dataMoved, driftFinding, type EndpointDrift, retrainingEvent, retrainingReasons } from './conclude.ts';

const judged = (state: DriftJudgement['state'], psi: number, moved: string[] = []): DriftJudgement =>
  ({
    state,
    rows: 500,
    needed: 220,
    windows: state === 'insufficient_data' ? 1 : 3,
    windows_needed: 2,
    moved,
    features: ['a', 'b', 'c', 'd', 'e'].map((feature) => ({
      feature,
      psi: moved.includes(feature) ? psi : 0.01,
      p: 0.5,
      n: 500,
      alarm: moved.includes(feature),
    })),
  }) as DriftJudgement;
const drift = (change: Partial<EndpointDrift> = {}): EndpointDrift => ({
  endpoint: 'spam',
  version: 'spam:1',
  looked_at: 1,
  state: 'stable',
  note: '',
  inputs: judged('stable', 0),
  outputs: null,
  lasting: false,
  losses: [],
  since: 5,
  ...change,
});
const rollout = (spec: object = {}): Rollout => ({
  id: '0198c0de-0000-7000-8000-000000000001',
  revision: { epoch: 1, n: 1 },
  spec: rolloutSpecSchema.parse({
    endpoint: 'spam',
    candidate: { model: 'spam', version: 2 },
    steps: [{ canary: { weight: 0.2 } }],
    drift: {},
    ...spec,
  }),
  control: { model: 'spam', version: 1 },
  metrics: [...builtInMetrics],
  alpha: 0.05,
  status: 'running',
  step: 0,
  weight: 0.2,
  visits: [],
  created_at: 1,
  created_by: 'op',
  started_at: 1,
  ended_at: null,
  reason: '',
  evidence_id: null,
  withdrawal: null,
});

describe('what drift says of a rollout', () => {
  it('advances while nothing has moved', () =>
    expect(driftFinding(drift(), judged('stable', 0), rollout()).verdict).toBe('advance'));
  it('holds, at most, when the data have moved: both versions see that', () => {
    const found = driftFinding(
      drift({ state: 'moved', inputs: judged('moved', 0.6, ['a', 'b', 'c']) }),
      judged('stable', 0),
      rollout(),
    );
    expect([found.verdict, found.reasons]).toEqual(['hold', ['data_moved']]);
    expect(found.sentence).toContain('a (PSI 0.60)');
  });
  it('tells no PSI of a feature that the newest window could not measure', () => {
    const inputs = judged('moved', 0.6, ['a', 'b', 'c']);
    (inputs.features[0] as { psi: number | null }).psi = null;
    expect(driftFinding(drift({ state: 'moved', inputs }), judged('stable', 0), rollout()).sentence).toContain(
      'a (too few rows in the newest window for a PSI), b (PSI 0.60)',
    );
  });
  it('tells that apart from a candidate that answers differently', () => {
    expect(driftFinding(drift(), judged('moved', 0.6, ['a']), rollout()).reasons).toEqual(['model_moved']);
    expect(
      driftFinding(drift(), judged('moved', 0.6, ['a']), rollout({ drift: { modelMoved: 'ignore' } })).verdict,
    ).toBe('advance');
  });
  it('says when it cannot tell', () => {
    const early = drift({ state: 'insufficient_data', inputs: judged('insufficient_data', 0) });
    const found = driftFinding(early, judged('stable', 0), rollout());
    expect(found.reasons).toEqual(['insufficient_data:drift']);
    expect(found.sentence).toBe(
      'Hold: not enough requests yet to compare the data: 1 of the 2 windows that a comparison needs have at least ' +
        '220 rows (the newest has 500).',
    );
    expect(
      driftFinding(drift({ state: 'no_profile', inputs: null, note: 'no training data' }), null, rollout()).sentence,
    ).toContain('no training data');
  });
  it('never advances on a comparison that was not made, and says which one that was', () => {
    const inCanary = driftFinding(drift(), null, rollout());
    expect([inCanary.verdict, inCanary.reasons]).toEqual(['hold', ['insufficient_data:drift']]);
    expect(inCanary.sentence).toContain(
      "the candidate's answers were not compared: the reference profile has no outputs",
    );
    const noInputs = driftFinding(drift({ inputs: null }), judged('stable', 0), rollout());
    expect([noInputs.verdict, noInputs.sentence.includes('the data were not compared')]).toEqual(['hold', true]);
    const blind = judged('stable', 0);
    (blind.features[1] as { psi: number | null }).psi = null;
    expect(driftFinding(drift(), blind, rollout()).sentence).toContain(
      'too few rows in the newest window to compare b',
    );
  });
  it('does without what the policy ignores, and says so', () => {
    const found = driftFinding(drift(), null, rollout({ drift: { modelMoved: 'ignore' } }));
    expect([found.verdict, found.sentence]).toEqual([
      'advance',
      "Advance: the data have not moved; the candidate's answers are not watched (drift.modelMoved is ignore).",
    ]);
  });
  it('says that nothing is compared between the versions where only one of them serves', () => {
    const found = driftFinding(drift(), null, { ...rollout(), weight: 0 });
    expect([found.verdict, found.sentence.includes('not compared in this step')]).toEqual(['advance', true]);
  });
  it('marks the verdict on a rollout without a drift policy as information', () =>
    expect(driftFinding(drift({ inputs: null }), null, rollout({ drift: undefined })).sentence).toMatch(
      /^Hold \(for information: the rollout has no "drift"\): the data were not compared/,
    ));
  it('takes one small move among many features for what it is', () => {
    expect(dataMoved(judged('moved', 0.12, ['a']))).toBe(false);
    expect(dataMoved(judged('moved', 0.3, ['a']))).toBe(true);
  });
});

describe('retraining', () => {
  const loss = { outcome: 'label', output: 'class', state: 'lost' as const, rate: 0.12, reference: 0.02, windows: [] };
  it('is asked for by labels, or by drift that lasts, each with its reason', () => {
    expect(retrainingReasons(drift())).toEqual([]);
    expect(retrainingReasons(drift({ lasting: true, losses: [loss] }))).toEqual(['label_loss:label', 'lasting_drift']);
  });
  it('has the same id within the cool-down, so that a repeat is the same message', () => {
    const at = (now: number) =>
      retrainingEvent(drift({ losses: [loss] }), ['label_loss:label'], { source: 's', now, cooldownMs: 1000 });
    expect(at(5100).event_id).toBe(at(5900).event_id);
    expect(at(5100).event_id).not.toBe(at(6100).event_id);
    expect(at(5100)).toMatchObject({
      model: 'spam',
      version: 1,
      sentence: 'spam:1 should be retrained: its error rate on labelled requests is 12.0 %, at registration 2.00 %.',
    });
  });
});

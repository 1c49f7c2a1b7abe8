import { builtInMetrics, type Rollout, rolloutSpecSchema } from '@slipway/release';
import type { DriftJudgement } from '@slipway/stats';
import { describe, expect, it } from 'vitest';
import {
  dataMoved,
  driftFinding,
  type EndpointDrift,
  retrainingEvent,
  retrainingReasons,
  untoldNote,
} from './conclude.ts';

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
      effect: 1,
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
  rollout_id: '0198c0de-0000-7000-8000-000000000001',
  arms: {},
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

/** @param arms the candidate's answers against the control's; null when they were not compared */
const finding = (seen: EndpointDrift, arms: DriftJudgement | null, of: Rollout, now = 1000) =>
  driftFinding({ ...seen, arms: arms ? { candidate: arms } : {} }, of, { now, freshMs: 30_000 });

describe("drift-monitor's verdict on a rollout", () => {
  it('advances while nothing has moved', () =>
    expect(finding(drift(), judged('stable', 0), rollout()).verdict).toBe('advance'));
  it('holds, but never rolls back, when the data have moved, since that affects both versions', () => {
    const found = finding(
      drift({ state: 'moved', inputs: judged('moved', 0.6, ['a', 'b', 'c']) }),
      judged('stable', 0),
      rollout(),
    );
    expect([found.verdict, found.reasons]).toEqual(['hold', ['data_moved']]);
    expect(found.sentence).toContain('a (PSI 0.60)');
  });
  it('gives no PSI for a feature that the newest window has too few rows for', () => {
    const inputs = judged('moved', 0.6, ['a', 'b', 'c']);
    (inputs.features[0] as { psi: number | null }).psi = null;
    expect(finding(drift({ state: 'moved', inputs }), judged('stable', 0), rollout()).sentence).toContain(
      'a (too few rows in the newest window for a PSI), b (PSI 0.60)',
    );
  });
  it('distinguishes that from a candidate that answers differently', () => {
    expect(finding(drift(), judged('moved', 0.6, ['a']), rollout()).reasons).toEqual(['model_moved']);
    expect(finding(drift(), judged('moved', 0.6, ['a']), rollout({ drift: { modelMoved: 'ignore' } })).verdict).toBe(
      'advance',
    );
  });
  it('says when it cannot compare', () => {
    const early = drift({ state: 'insufficient_data', inputs: judged('insufficient_data', 0) });
    const found = finding(early, judged('stable', 0), rollout());
    expect(found.reasons).toEqual(['insufficient_data:drift']);
    expect(found.sentence).toBe(
      'Hold: not enough requests yet to compare the data: 1 of the 2 windows that a comparison needs have at least ' +
        '220 rows (the newest has 500).',
    );
    expect(
      finding(drift({ state: 'no_profile', inputs: null, note: 'no training data' }), null, rollout()).sentence,
    ).toContain('no training data');
  });
  it('never advances when a comparison was not made, and says which one is missing', () => {
    const inCanary = finding(drift(), null, rollout());
    expect([inCanary.verdict, inCanary.reasons]).toEqual(['hold', ['insufficient_data:drift']]);
    expect(inCanary.sentence).toContain(
      "the candidate's answers were not compared: the reference profile has no outputs",
    );
    const noInputs = finding(drift({ inputs: null }), judged('stable', 0), rollout());
    expect([noInputs.verdict, noInputs.sentence.includes('the data were not compared')]).toEqual(['hold', true]);
    const blind = judged('stable', 0);
    (blind.features[1] as { psi: number | null }).psi = null;
    expect(finding(drift(), blind, rollout()).sentence).toContain('too few rows in the newest window to compare b');
  });
  it('does not compare what the policy ignores, and says so', () => {
    const found = finding(drift(), null, rollout({ drift: { modelMoved: 'ignore' } }));
    expect([found.verdict, found.sentence]).toEqual([
      'advance',
      "Advance: the data have not moved; the candidate's answers are not watched (drift.modelMoved is ignore).",
    ]);
  });
  it('says that the versions are not compared where only one of them serves', () => {
    const found = finding(drift(), null, { ...rollout(), weight: 0 });
    expect([found.verdict, found.sentence.includes('not compared in this step')]).toEqual(['advance', true]);
  });
  it('marks the verdict on a rollout without a drift policy as information', () =>
    expect(finding(drift({ inputs: null }), null, rollout({ drift: undefined })).sentence).toMatch(
      /^Hold \(for information only: the rollout has no "drift"\): the data were not compared/,
    ));
  it('never advances on a look that is too old, or that compared with another version', () => {
    const seen = drift({ looked_at: 1000 });
    expect(finding(seen, judged('stable', 0), rollout(), 31_000).verdict).toBe('advance');
    const old = finding(seen, judged('stable', 0), rollout(), 32_000);
    expect([old.verdict, old.reasons]).toEqual(['hold', ['insufficient_data:drift']]);
    expect(old.sentence).toBe('Hold: the last look is 31 s old, and looks fail or take too long.');
    const other = finding(drift({ version: 'spam:7' }), judged('stable', 0), rollout());
    expect([other.verdict, other.sentence]).toEqual([
      'hold',
      'Hold: the last look compared with spam:7, and the control is spam:1.',
    ]);
  });
  it('never advances on the arms of another rollout', () => {
    const found = finding(drift({ rollout_id: 'another' }), judged('stable', 0), rollout());
    expect([found.verdict, found.reasons]).toEqual(['hold', ['insufficient_data:drift']]);
  });
  it('names each candidate that answers differently', () => {
    const arms = { blue: judged('stable', 0), green: judged('moved', 0.6, ['a']) };
    const found = driftFinding(drift({ arms }), rollout(), { now: 1, freshMs: 1 });
    expect([found.reasons, found.sentence]).toEqual([
      ['model_moved'],
      'Hold: the green answers differently from the control on the same traffic: a (PSI 0.60).',
    ]);
  });
  it('says what the look left out', () => {
    const note = untoldNote({ rows: 10, inputs: 4, outputs: 0 }, 3);
    expect(finding(drift({ note }), judged('stable', 0), rollout()).sentence).toContain(
      '4 of 10 rows have no features of the request, and are left out; 3 features of the training data are not ',
    );
    expect(untoldNote({ rows: 10, inputs: 0, outputs: 0 }, 0)).toBe('');
  });
  it('reports one small move among many features as such', () => {
    expect(dataMoved(judged('moved', 0.12, ['a']))).toBe(false);
    expect(dataMoved(judged('moved', 0.3, ['a']))).toBe(true);
  });
});

describe('retraining', () => {
  const loss = { outcome: 'label', output: 'class', state: 'lost' as const, rate: 0.12, reference: 0.02, windows: [] };
  it('is requested because of labels or of lasting drift, each with its reason', () => {
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

import { describe, expect, it } from 'vitest';
import { type Drift, describeDrift } from './demo-drift.ts';

const drift = (change: Partial<Drift>): Drift => ({
  endpoint: 'spam',
  version: 'spam:2',
  looked_at: 0,
  since: 0,
  note: '',
  state: 'stable',
  inputs: null,
  outputs: null,
  rollout_id: '',
  arms: {},
  lasting: false,
  losses: [],
  ...change,
});
const feature = (name: string, psi: number | null, alarm = false) => ({
  feature: name,
  psi,
  p: null,
  n: 0,
  effect: 1,
  alarm,
});

const loss = (state: 'insufficient_data' | 'lost', rate: number | null) => [
  { outcome: 'label', output: 'class', state, rate, reference: 0.02, windows: [] },
];

describe('the line on drift', () => {
  it('leaves out unknown figures', () => {
    const inputs = {
      state: 'insufficient_data' as const,
      rows: 0,
      windows: 0,
      features: [feature('length', null)],
      moved: [],
    };
    const losses = loss('insufficient_data', null);
    expect(describeDrift(drift({ state: 'insufficient_data', inputs, losses }))).toBe(
      'drift-monitor on spam:2: not enough requests yet to compare the inputs with the training data',
    );
  });
  it('names the three features that moved most, and the error rate beside that at registration', () => {
    const features = [feature('a', 0.05), feature('b', 0.6, true), feature('c', 0.1), feature('d', 0.3, true)];
    const losses = loss('lost', 0.121);
    const inputs = { state: 'moved' as const, rows: 500, windows: 3, features, moved: ['b', 'd'] };
    expect(describeDrift(drift({ state: 'moved', inputs, losses }))).toBe(
      'drift-monitor on spam:2: the inputs have moved away from the training data; ' +
        'largest PSI: b 0.60 (alarm), d 0.30 (alarm), c 0.10; ' +
        'the error rate on labelled mails is 12.1 % (at registration 2 %)',
    );
  });
});

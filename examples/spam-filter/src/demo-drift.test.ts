import { describe, expect, it } from 'vitest';
import { type Drift, describeDrift } from './demo-drift.ts';

const drift = (change: Partial<Drift>): Drift => ({
  version: 'spam:2',
  state: 'stable',
  inputs: null,
  lasting: false,
  losses: [],
  ...change,
});
const feature = (name: string, psi: number | null, alarm = false) => ({ feature: name, psi, alarm });

describe('the line on drift', () => {
  it('leaves out what is not known yet', () => {
    const inputs = { rows: 0, features: [feature('length', null)], moved: [] };
    const losses = [{ outcome: 'label', state: 'insufficient_data', rate: null, reference: 0.02 }];
    expect(describeDrift(drift({ state: 'insufficient_data', inputs, losses }))).toBe(
      'drift-monitor on spam:2: not enough requests yet to compare the inputs with the training data',
    );
  });
  it('names the three features that moved most, and the error rate beside that of the registration', () => {
    const features = [feature('a', 0.05), feature('b', 0.6, true), feature('c', 0.1), feature('d', 0.3, true)];
    const losses = [{ outcome: 'label', state: 'lost', rate: 0.121, reference: 0.02 }];
    expect(describeDrift(drift({ state: 'moved', inputs: { rows: 500, features, moved: ['b', 'd'] }, losses }))).toBe(
      'drift-monitor on spam:2: the inputs have moved away from the training data; ' +
        'largest PSI: b 0.60 (alarm), d 0.30 (alarm), c 0.10; ' +
        'the error rate on labelled mails is 12.1 % (at registration 2.0 %)',
    );
  });
});

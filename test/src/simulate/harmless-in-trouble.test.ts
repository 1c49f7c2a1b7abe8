import { describe, expect, it } from 'vitest';
import { harmlessCells } from './closed-loop.fixture.ts';

describe('the decision rule in closed loop, with trouble in both arms,', () => {
  it.each(['shared outage', 'shared load wave'])('does not roll back harmless candidates: %s', (name) => {
    for (const { share, most } of harmlessCells(name)) expect(share).toBeLessThanOrEqual(most);
  });
});

import { describe, expect, it } from 'vitest';
import { harmlessCells } from './closed-loop.fixture.ts';

describe('the decision rule in closed loop, with an identical candidate,', () => {
  it.each(['identical', 'identical, errors in few units'])('does not roll back harmless candidates: %s', (name) => {
    for (const { share, most } of harmlessCells(name)) expect(share).toBeLessThanOrEqual(most);
  });
});

import { describe, expect, it } from 'vitest';
import { harmlessCells } from './closed-loop.fixture.ts';

describe('the decision rule in closed loop, with trouble that both arms share,', () => {
  it.each(['shared outage', 'shared load wave'])(
    'leaves harmless candidates alone, whatever both arms go through: %s',
    (name) => {
      for (const { share, most } of harmlessCells(name)) expect(share).toBeLessThanOrEqual(most);
    },
  );
});

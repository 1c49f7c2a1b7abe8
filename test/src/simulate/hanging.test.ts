import { describe, expect, it } from 'vitest';
import { hangingRow } from './hanging.ts';

describe('requests that hang', () => {
  it.each(['half of the attempts hang for 20 s', 'of the attempts half fail, half hang, for 20 s'])(
    'at both versions alike are no evidence against an identical candidate: %s',
    (world) => expect(hangingRow(world, 33, 'settled', 6, 3).rolledBack).toBe(0),
  );
  it('would be evidence in every run if they counted when their rows arrive', () => {
    expect(hangingRow('half of the attempts hang for 20 s', 33, 'arrival', 6, 3).rolledBack).toBe(1);
  });
});

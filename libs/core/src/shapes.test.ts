import { describe, expect, it } from 'vitest';
import { shapeOf } from './shapes.ts';

describe('the shape of all kinds', () => {
  it('has the fields of each', () => {
    const shape: { a: number; b: string } = shapeOf(
      { one: { options: { a: 1 } }, two: { options: { b: 'x' } } },
      'options',
    );
    expect(shape).toEqual({ a: 1, b: 'x' });
  });
  it('throws where two kinds declare a field of the same name', () => {
    expect(() => shapeOf({ one: { options: { a: 1 } }, two: { options: { a: 2 } } }, 'options')).toThrow(
      '"two" declares "a"',
    );
  });
});

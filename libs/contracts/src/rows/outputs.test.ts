import { describe, expect, it } from 'vitest';
import { MAX_OUTPUTS_BYTES, rowOutputs } from './outputs.ts';

const text = (elements: unknown[]) => rowOutputs([['x', elements]])['x'];

describe('the text of an output', () => {
  it('is the value itself for a single element, and a list for several', () => {
    expect(text(['spam'])).toBe('spam');
    expect(text([1])).toBe('1');
    expect(text([null])).toBe('null');
    expect(text([[0.25, 0.75]])).toBe('[0.25,0.75]');
    expect(text(['spam', 'é "quoted"\n'])).toBe('["spam","é \\"quoted\\"\\n"]');
    expect(text([])).toBe('[]');
  });
  it('has the first elements of a long output, and the number of all elements', () => {
    expect(text(Array.from({ length: 100 }, (_, i) => i))).toMatch(/^\[0,1,.*,63\] of 100$/);
    expect(text(['x'.repeat(5000), 'y'.repeat(5000)])).toBe(`["${'x'.repeat(5000)}"] of 2`);
    expect(text(['x'.repeat(9000)])).toBe('[] of 1');
    expect(text(['x'.repeat(9000), 'y'])).toBe('[] of 2');
  });
});

describe('the outputs of a row', () => {
  it('are limited in total size: those beyond the limit are left out', () => {
    const outputs = Array.from({ length: 10 }, (_, i) => [`o${i}`, ['\u0001'.repeat(1000)]] as const);
    const kept = rowOutputs(outputs);
    expect(Object.keys(kept)).toEqual(['o0', 'o1', 'o2', 'o3', 'o4']);
    expect(Buffer.byteLength(JSON.stringify(kept))).toBeLessThanOrEqual(MAX_OUTPUTS_BYTES + 2);
  });
  it('may have any name', () => {
    expect(JSON.stringify(rowOutputs([['__proto__', [1]]]))).toBe('{"__proto__":"1"}');
  });
});

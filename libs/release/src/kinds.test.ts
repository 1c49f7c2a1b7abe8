import { describe, expect, it } from 'vitest';
import { type ByKind, requiredAnalysers, type Step, stepWeight } from './spec.ts';

describe('a step of a kind that the program does not know', () => {
  const steps = [{ canary: { weight: 0.05, until: {} } }, { bluegreen: {} }] as unknown as Step[];
  it('gets no traffic and needs an analyser that nobody is: it is refused by its name', () => {
    expect(() => stepWeight(steps, 1)).toThrow('steps.1: "bluegreen" is no kind of step');
    expect(() => requiredAnalysers({ steps }, 1)).toThrow('steps.1: "bluegreen" is no kind of step');
    expect(() => stepWeight([{ toString: {} }] as unknown as Step[], 0)).toThrow('is no kind of step');
  });
  it('does not compile where a table leaves a kind out', () => {
    // @ts-expect-error: `watch` is missing
    const table: ByKind<number> = {
      shadow: () => 0,
      dark: () => 0,
      canary: () => 0,
      experiment: () => 0,
      switch: () => 1,
    };
    expect(Object.keys(table)).not.toContain('watch');
  });
});

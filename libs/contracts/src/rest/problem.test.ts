import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { stepKinds, stepSchema } from '@slipway/release';
import { metricInputSchema } from '../operations/metrics.ts';
import { parseOrProblem, problemDocument, ProblemError } from '@slipway/core';

function refused(schema: z.ZodType, value: unknown): ProblemError {
  try {
    parseOrProblem(schema, value);
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
const ones = (n: number) => Array.from({ length: n }, () => 1);

describe('the fields named in a refusal', () => {
  it.each([
    ['unknown names', z.strictObject({}), Object.fromEntries(ones(300_000).map((x, i) => [`k${i}`, x]))],
    ['wrong elements', z.array(z.string()), ones(300_000)],
  ])('are at most a hundred and the number of the others: the answer does not grow with %s', (_, schema, value) => {
    const { errors = [], message } = refused(schema, value);
    expect(errors).toHaveLength(101);
    expect(errors.at(-1)).toEqual({ field: '(body)', message: 'and 299900 more' });
    expect(message.length).toBeLessThan(20_000);
  });

  it('are at most a hundred for a union of kinds as well, in one pass over the names', () => {
    const { errors = [] } = refused(stepSchema, Object.fromEntries(ones(300_000).map((x, i) => [`k${i}`, x])));
    expect(errors).toHaveLength(100);
    expect(errors[0]?.message).toContain('must have one of "shadow"');
  });

  it('are cut off when they are long: a refusal does not send back what was sent', () => {
    const long = 'x'.repeat(1_000_000);
    const error = new ProblemError('invalid_tensor', long, { errors: [{ field: long, message: long }] });
    const document = problemDocument(error);
    expect(JSON.stringify(document).length).toBeLessThan(17_000);
    expect(document.detail).toMatch(/^x{4000}…$/);
  });

  it('are all listed when they are few', () => {
    const { errors } = refused(z.strictObject({ a: z.string(), b: z.string() }), { a: 1, b: 2, c: 3 });
    expect(errors?.map((e) => e.field)).toEqual(['a', 'b', 'c']);
  });

  it.each([
    [{ canray: { weight: 0.5 } }, '', `must have one of ${stepKinds.map((k) => `"${k.name}"`).join(', ')}`],
    [{ canray: { weight: 0.5 } }, 'canray', 'is not a known field'],
    [{ canary: { wieght: 0.5 } }, 'canary.weight', 'is missing (number)'],
    [{ canary: { weight: 50 } }, 'canary.weight', 'must be a share from 0 to 1: "5%" or 0.05'],
  ])('say for the step %j what it needs (%s)', (step, field, message) => {
    const { errors } = refused(z.strictObject({ step: stepSchema }), { step });
    expect(errors).toContainEqual({ field: ['step', field].filter((part) => part !== '').join('.'), message });
    expect(errors?.some((e) => e.field.includes('shadow'))).toBe(false);
  });

  it('are not listed for the elements of a list in place of an object', () => {
    expect(refused(metricInputSchema, ones(1000)).errors).toEqual([{ field: '(body)', message: expect.any(String) }]);
  });
});

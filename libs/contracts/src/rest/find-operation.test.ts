import { describe, expect, it } from 'vitest';
import { checkQuery, findOperation } from './find-operation.ts';
import { type Operation, operations } from './operations.ts';

describe('the query parameters of an operation', () => {
  it('are those that it declares; any other is refused by its name', () => {
    for (const op of operations) {
      expect(findOperation(op.method.toUpperCase(), op.path.replace(/\{(\w+)\}/g, ':$1'))).toBe(op);
      for (const name of Object.keys(op.query?.shape ?? {})) checkQuery(op, { [name]: '1' });
      expect(() => checkQuery(op, { colour: 'red' })).toThrow('colour: is no parameter here');
    }
    expect(findOperation('GET', '/healthz')).toBeUndefined();
    expect(() => checkQuery(findOperation('GET', '/v1/rollouts') as Operation, { limit: 1, state: 'x' })).toThrow(
      'state: is no parameter here; cursor, limit, endpoint, status may be given',
    );
  });
});

import { describe, expect, it } from 'vitest';
import { checkQuery, findOperation } from './find-operation.ts';
import { type Operation, operations, roleNeeded } from './operations.ts';

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

describe('the role that a command needs', () => {
  const commands = findOperation('POST', '/v1/rollouts/:id/commands') as Operation;
  it.each([
    [{ command: 'approve' }, 'approver'],
    [{ command: 'promote' }, 'operator'],
    [{ command: 'constructor' }, 'operator'],
    [{ command: '__proto__' }, 'operator'],
    [{ command: ['approve'] }, 'operator'],
    [null, 'operator'],
    ['approve', 'operator'],
  ])('%j: %s', (body, role) => expect(roleNeeded(commands, body)).toBe(role));
});

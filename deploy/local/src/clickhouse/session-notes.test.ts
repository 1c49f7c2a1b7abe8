import { expect, it } from 'vitest';
import { SessionNotes } from './session-notes.ts';

it('records the SET and USE statements of a session, the last of each, until it has been idle for its timeout', () => {
  let now = 0;
  const notes = new SessionNotes(() => now);
  for (const statement of ['SET a = 1', 'SET b = 2, c = 3', 'USE `system`', 'SET a = 4', 'SELECT 1'])
    notes.note('x', statement, 10);
  expect(notes.of('x', 10)).toEqual({ database: 'system', sets: ['SET b = 2, c = 3', 'SET a = 4'] });
  expect(notes.of('y', 10)).toEqual({ database: undefined, sets: [] });
  now = 9999;
  expect(notes.of('x', 10).database).toBe('system');
  now = 19_999;
  expect(notes.of('x', 10)).toEqual({ database: undefined, sets: [] });
});

it('is bounded: a thousand sessions with recorded statements, a hundred different SETs in each', () => {
  let now = 0;
  const notes = new SessionNotes(() => now);
  for (let i = 0; i < 5000; i++) notes.note(`reader-${i}`, 'SELECT 1', 60);
  for (let i = 0; i < 1000; i++) notes.note(`setter-${i}`, 'SET a = 1', 60);
  expect(() => notes.note('one more', 'SET a = 1', 60)).toThrow(/1000 sessions are open/);
  for (let i = 0; i < 99; i++) notes.note('setter-0', `SET a${i} = 1`, 60);
  expect(() => notes.note('setter-0', 'SET b = 1', 60)).toThrow(/100 different SETs/);
  now = 60_000;
  notes.note('one more', 'SET a = 1', 60);
});

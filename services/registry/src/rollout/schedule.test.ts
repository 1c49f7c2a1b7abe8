import { expect, it } from 'vitest';
import { Schedule } from './schedule.ts';

const never = Number.POSITIVE_INFINITY;

it('names a rollout at its instant, and when the world that it waits for has changed', () => {
  const schedule = new Schedule();
  schedule.put('dwells', { again: 500, onWorld: false }, 0);
  schedule.put('waits', { again: 900, onWorld: true }, 0);
  schedule.put('is paused', { again: never, onWorld: false }, 0);
  expect(schedule.due(499, false)).toEqual([]);
  expect(schedule.due(499, true)).toEqual(['waits']);
  expect(schedule.due(500, false)).toEqual(['dwells']);
  expect(schedule.due(1e12, true)).toEqual(['dwells', 'waits']);
});

it('names what was woken at once, and again a moment later: the change may not have been visible yet', () => {
  const schedule = new Schedule();
  for (const id of ['quiet', 'new']) schedule.wake(id, 100);
  expect(schedule.due(100, false)).toEqual(['quiet', 'new']);
  schedule.put('quiet', { again: never, onWorld: false }, 101);
  schedule.gone('new', 101);
  expect(schedule.due(349, true)).toEqual([]);
  expect(schedule.due(350, false)).toEqual(['quiet', 'new']);
  schedule.put('quiet', { again: never, onWorld: false }, 351);
  schedule.gone('new', 351);
  expect([schedule.due(1e12, true), schedule.all()]).toEqual([[], ['quiet']]);
});

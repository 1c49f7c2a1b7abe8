import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Route } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { RouteTable } from '../routing/route-table.ts';
import { OutcomeController } from './outcome.controller.ts';
import { OutcomeNames } from './outcome-names.store.ts';

it('ten thousand outcomes with distinct names are accepted with an answer of readable length', () => {
  const folder = mkdtempSync(join(tmpdir(), 'outcomes-'));
  const outcome_names = Array.from({ length: 500 }, (_, i) => `metric-${i}`);
  const routes = new RouteTable(() => 0);
  const revision = { epoch: 1, n: 1 };
  routes.apply('spam', {
    endpoint: 'spam',
    revision,
    outcome_names,
  } as never as Route);
  const lines: Buffer[] = [];
  const journal = { append: (pieces: Buffer[]) => lines.push(...pieces) > 0 };
  const controller = new OutcomeController(journal as never, routes, new OutcomeNames(folder), 'router');
  const named = (name: string) => ({ endpoint: 'spam', name, value: 1, unit: 'u' });
  const outcomes = Array.from({ length: 10_000 }, (_, i) => named(`made-up-${i}`));
  const post = (body: Parameters<typeof controller.post>[0]['body']) =>
    controller.post({ params: {}, query: {}, body, caller: undefined });
  const { event_ids, warnings } = post({ outcomes });
  expect([event_ids.length, Buffer.concat(lines).toString().trim().split('\n').length]).toEqual([10_000, 10_000]);
  expect(warnings).toHaveLength(21);
  expect(warnings?.at(-1)).toBe('and 9980 more of "spam"');
  expect(JSON.stringify(warnings).length).toBeLessThan(20_000);
  expect(post(named('made-up-0'))).not.toHaveProperty('warnings');
  const kept = JSON.parse(readFileSync(join(folder, 'outcome-names.json'), 'utf8')) as { spam: string[] };
  rmSync(folder, { recursive: true });
  expect(kept.spam).toHaveLength(1000);
});

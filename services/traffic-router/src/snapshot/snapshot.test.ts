import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, metrics } from '@slipway/platform';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { Snapshot } from './snapshot.store.ts';

let folder = '';
const said: Record<string, unknown>[] = [];
const log = { error: (what: Record<string, unknown>) => said.push(what) } as unknown as Logger;
const names = () => new Snapshot(folder, 'names', z.object({ name: z.string() }), log);
const refused = async () => {
  const { values } = (await metrics.getSingleMetric('slipway_router_snapshot_refused_total')?.get()) ?? { values: [] };
  return values.find((v) => v.labels['snapshot'] === 'names')?.value ?? 0;
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'snapshot-'));
  said.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

it('keeps what was last to be saved, and without a file there is nothing to say', async () => {
  expect(names().load()).toEqual([]);
  const snapshot = names();
  let states = [{ name: 'a' }];
  snapshot.saveSoon(() => states);
  states = [{ name: 'a' }, { name: 'b' }];
  snapshot.saveSoon(() => states);
  const saved = () => names().load();
  while (saved().length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(saved()).toEqual(states);
  // The next change of that moment is written a little later, or at the end.
  snapshot.saveSoon(() => [{ name: 'c' }]);
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(saved()).toEqual(states);
  snapshot.flush();
  expect(saved()).toEqual([{ name: 'c' }]);
  expect(said).toEqual([]);
});

it.each([
  ['a state that does not fit', '[{"name":"a"},{"name":3},{"name":"c"}]', ['a', 'c'], '1.name: Invalid input'],
  ['a file that is torn', '[{"name":"a"},{"na', [], 'JSON'],
  ['a file of something else', '{"name":"a"}', [], 'expected array'],
])('%s is not used, and is said with its reason and counted', async (_, text, used, reason) => {
  writeFileSync(join(folder, 'names.json'), text);
  const before = await refused();
  expect(names().load()).toEqual(used.map((name) => ({ name })));
  expect(said).toMatchObject([{ file: join(folder, 'names.json'), states: 1 }]);
  expect(said[0]?.['reason']).toContain(reason);
  expect((await refused()) - before).toBe(1);
});

import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ArtifactStore } from './artifact.store.ts';

it('removes what a killed registry had taken in part, and nothing that is whole or still under way', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'artifacts-'));
  try {
    for (const [name, seconds] of [
      ['.killed', 1000],
      ['.under-way', 3000],
      ['ab', 1000],
    ] as const) {
      writeFileSync(join(folder, name), 'bytes');
      utimesSync(join(folder, name), seconds, seconds);
    }
    await new ArtifactStore({} as never, folder, 1).forgetPartials(2_000_000);
    expect(readdirSync(folder).sort()).toEqual(['.under-way', 'ab']);
    await new ArtifactStore({} as never, join(folder, 'not there yet'), 1).forgetPartials(2_000_000);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

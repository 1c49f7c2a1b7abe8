import { fileURLToPath } from 'node:url';
import { rows } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { rowsPage } from './rows-page.ts';

it('docs/rows.md matches the declarations', async () => {
  const page = fileURLToPath(new URL('../../../../docs/rows.md', import.meta.url));
  await expect(rowsPage(rows)).toMatchFileSnapshot(page);
});

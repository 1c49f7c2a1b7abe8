// `npm run lint`: what docs/architecture.md names in the repository is there: paths in backticks that begin with one
// of its folders, with or without a file. Names with an ellipsis, or in capitals for what differs, are left out.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const PAGE = 'docs/architecture.md';
const PATH = /`((?:libs|services|deploy|examples|test|lint|docs)\/[\w./-]+)`/g;

let missing = 0;
for (const [i, line] of readFileSync(join(root, PAGE), 'utf8').split('\n').entries())
  for (const [, path] of line.matchAll(PATH))
    if (!existsSync(join(root, path))) {
      process.stderr.write(`${PAGE}:${i + 1}: there is no ${path}\n`);
      missing++;
    }
if (missing > 0) process.exit(1);

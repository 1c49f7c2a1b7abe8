// `npm run lint`: the folders of a project import each other in one direction. Two folders that need each other are one
// room, or hide a third. An `index.ts` is the project's face and in no folder; tests may look wherever they like.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g;

/** Folder → folder that it imports → one import that says so. */
const edges = new Map();
const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts', '*.mjs'], { cwd: root });
for (const file of tracked.toString().trim().split('\n')) {
  if (/\.(test|fixture)\.ts$|(^|\/)index\.ts$/.test(file)) continue;
  const folder = dirname(file);
  for (const [, path] of readFileSync(join(root, file), 'utf8').matchAll(IMPORT)) {
    const target = dirname(join(folder, path));
    if (target === folder) continue;
    if (!edges.has(folder)) edges.set(folder, new Map());
    edges.get(folder).set(target, `${file}: ${path}`);
  }
}

/** Folders in the order in which they are entered, and the least that each can come back to (Tarjan 1972). */
const entered = new Map();
const least = new Map();
const open = [];
let cycles = 0;
function visit(folder) {
  entered.set(folder, entered.size);
  least.set(folder, entered.get(folder));
  open.push(folder);
  for (const next of edges.get(folder)?.keys() ?? []) {
    if (!entered.has(next)) visit(next);
    if (open.includes(next)) least.set(folder, Math.min(least.get(folder), least.get(next)));
  }
  if (least.get(folder) !== entered.get(folder)) return;
  const together = open.splice(open.indexOf(folder));
  if (together.length > 1) report(together);
}
function report(folders) {
  cycles++;
  console.error(`these folders import each other: ${folders.sort().join(', ')}`);
  for (const folder of folders)
    for (const [target, by] of edges.get(folder) ?? []) if (folders.includes(target)) console.error(`  ${by}`);
}
for (const folder of [...edges.keys()]) if (!entered.has(folder)) visit(folder);
process.exitCode = cycles === 0 ? 0 : 1;

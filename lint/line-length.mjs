// `npm run lint`: no line of a tracked file is longer than 120 characters. What the formatter cannot break (strings,
// Python, SQL, prose) it does not see; this does. Tables of Markdown, and lines that are one address, are excepted.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MOST = 120;
const root = fileURLToPath(new URL('..', import.meta.url));
const tracked = execFileSync('git', ['ls-files', '*.ts', '*.mjs', '*.sql', '*.py', '*.md', '*.sh'], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n');

const excepted = (file, line) => (file.endsWith('.md') && line.startsWith('|')) || /^\W*https?:\/\/\S+$/.test(line);
let long = 0;
for (const file of tracked)
  for (const [i, line] of readFileSync(join(root, file), 'utf8').split('\n').entries())
    if ([...line].length > MOST && !excepted(file, line)) {
      process.stderr.write(`${file}:${i + 1}: more than ${MOST} characters\n`);
      long++;
    }
if (long > 0) process.exit(1);

// `npm run lint`: no line of a tracked file is longer than 120 characters. What the formatter cannot break (strings,
// Python, SQL, prose) it does not see; this does. Tables of Markdown, and lines that are one address, are excepted.
// And no file of code is longer than 300 lines without a first line that says why.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MOST = 120;
const MOST_LINES = 300;
const root = fileURLToPath(new URL('..', import.meta.url));
const tracked = execFileSync('git', ['ls-files', '*.ts', '*.mjs', '*.sql', '*.py', '*.md', '*.sh'], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n');

const excepted = (file, line) => (file.endsWith('.md') && line.startsWith('|')) || /^\W*https?:\/\/\S+$/.test(line);
let long = 0;
const say = (text) => {
  process.stderr.write(`${text}\n`);
  long++;
};
for (const file of tracked) {
  const lines = readFileSync(join(root, file), 'utf8').trimEnd().split('\n');
  if (lines.length > MOST_LINES && !file.endsWith('.md') && !/^\W+ Over 300 lines: \S/.test(lines[0]))
    say(`${file}: more than ${MOST_LINES} lines, and its first does not say why ("Over 300 lines: …")`);
  for (const [i, line] of lines.entries())
    if ([...line].length > MOST && !excepted(file, line)) say(`${file}:${i + 1}: more than ${MOST} characters`);
}
if (long > 0) process.exit(1);

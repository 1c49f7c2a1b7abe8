// `npm run lint`: no line of a tracked file is longer than 120 characters. What the formatter cannot break (strings,
// Python, SQL, prose) it does not see; this does. Tables of Markdown, and lines that are one address, are excepted.
// `long-lines.json` names the files that are not there yet, and how many lines each: they may only become fewer.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MOST = 120;
const root = fileURLToPath(new URL('..', import.meta.url));
const list = join(root, 'lint', 'long-lines.json');
const tracked = execFileSync('git', ['ls-files', '*.ts', '*.mjs', '*.sql', '*.py', '*.md', '*.sh'], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n');

const excepted = (file, line) => (file.endsWith('.md') && line.startsWith('|')) || /^\W*https?:\/\/\S+$/.test(line);
const found = {};
for (const file of tracked) {
  const long = readFileSync(join(root, file), 'utf8')
    .split('\n')
    .flatMap((line, i) => ([...line].length > MOST && !excepted(file, line) ? [i + 1] : []));
  if (long.length > 0) found[file] = long;
}

if (process.argv.includes('--update')) {
  const counts = Object.fromEntries(Object.entries(found).map(([file, lines]) => [file, lines.length]));
  writeFileSync(list, `${JSON.stringify(counts, null, 2)}\n`);
} else {
  const allowed = JSON.parse(readFileSync(list, 'utf8'));
  const more = Object.entries(found).filter(([file, lines]) => lines.length > (allowed[file] ?? 0));
  const fewer = Object.keys(allowed).filter((file) => (found[file]?.length ?? 0) < allowed[file]);
  for (const [file, lines] of more)
    process.stderr.write(
      `${file}: ${lines.length} lines of more than ${MOST} characters, ${allowed[file] ?? 0} are known: ` +
        `${lines.join(', ')}\n`,
    );
  if (fewer.length > 0)
    process.stdout.write(`Fewer long lines in ${fewer.join(', ')}: node lint/line-length.mjs --update\n`);
  if (more.length > 0) process.exit(1);
}

// `npm run lint`: docs, comments, messages and names of tests are in plain technical English. These words of an older
// style do not come back.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const SELF = 'lint/words.mjs';
/** Each word with what to write instead. */
const WORDS = [
  [/\bwho(m|mso|so)?ever\b/i, 'name the person or part, or "anyone who"'],
  [/\bNor\b|[,;:.] nor\b/, '"and not", or a sentence of its own'],
  [/\b(lest|thus|hence|hereby|thereof|whereof|wherein|hitherto|albeit|forthwith|shall|whilst)\b/i, 'a plain word'],
  [/\b(in (its|their) stead|for want of|goes its way|of theirs)\b/i, 'a plain word'],
  [/\bnobody's\b|\bnone of (its|their|our) business\b/i, 'say what it does not concern'],
  [/\b(dies|died|paperwork)\b/i, '"ends", "is rejected", "is lost" …'],
  [/\b(tells?|told) (a )?true\b|\bthe books (have|must|balance)\b|\bhonest(ly)?\b/i, 'say what is checked'],
];
/** Text that the check must refuse, and text that it must let pass. */
const BAD = [
  'whoever asks',
  'it does not pause, nor does it end',
  'a bad row dies alone',
  'thus it ends',
  "it is nobody's",
];
const GOOD = [
  'anyone who asks',
  'an invalid row is rejected',
  'no value is lost',
  'the normal case',
  'neither A nor B',
];

const faultOf = (line) => WORDS.find(([pattern]) => pattern.test(line));
let faults = 0;
const say = (text) => {
  process.stderr.write(`${text}\n`);
  faults++;
};
for (const line of BAD) if (!faultOf(line)) say(`${SELF} lets pass: ${line}`);
for (const line of GOOD) if (faultOf(line)) say(`${SELF} refuses: ${line}`);

const kinds = ['*.ts', '*.mjs', '*.sql', '*.py', '*.md', '*.sh'];
const files = execFileSync('git', ['ls-files', ...kinds], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n');
for (const file of files.filter((name) => name !== SELF))
  for (const [i, line] of readFileSync(join(root, file), 'utf8').split('\n').entries()) {
    const fault = faultOf(line);
    if (fault) say(`${file}:${i + 1}: "${fault[0].exec(line)[0]}": ${fault[1]}`);
  }
if (faults > 0) process.exit(1);

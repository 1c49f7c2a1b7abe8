// `npm run vectors -- FILE`: any file in the shape of libs/stats/vectors.json.
import { readFileSync } from 'node:fs';
import { checkVector, type Vector } from './check.ts';

const file = process.argv[2];
if (!file) {
  process.stderr.write('npm run vectors -- FILE: a JSON list of {name, like?, input, expected, tolerance}\n');
  process.exit(2);
}
let vectors: Vector[];
try {
  vectors = JSON.parse(readFileSync(file, 'utf8')) as Vector[];
  if (!Array.isArray(vectors)) throw new Error('it is no list');
} catch (error) {
  process.stderr.write(`${file}: ${(error as Error).message}\n`);
  process.exit(2);
}
let failed = 0;
for (const vector of vectors) {
  const [first] = checkVector(vector);
  if (!first) continue;
  failed++;
  process.stdout.write(
    `${first.name}, ${first.field}, expected ${JSON.stringify(first.expected)}, got ` +
      `${typeof first.got === 'number' ? String(first.got) : JSON.stringify(first.got)}\n`,
  );
}
process.stdout.write(`${vectors.length - failed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);

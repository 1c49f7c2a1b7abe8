// `npm run lint`: the rule that a file without a role suffix is pure does bite, in services as in libs. In Biome the
// options of a later override replace those of an earlier one, and once that left the rule off without a word.
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
const rules = ['style/noRestrictedImports', 'style/noRestrictedGlobals'].flatMap((rule) => ['--only', rule]);
const reads = "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;\n";
const asks = "export const ask = () => fetch('http://localhost');\n";
const sends = "import { Kafka } from 'kafkajs';\nexport const kafka = Kafka;\n";
const samples = [
  ['services/registry', '', reads, false],
  ['services/registry', '', asks, false],
  ['services/registry', '', sends, false],
  ['services/registry', '.store', reads, true],
  ['services/registry', '.store', asks, true],
  ['services/registry', '.store', sends, false],
  ['libs/stats', '', reads, false],
  ['libs/stats', '', asks, false],
].map(([project, role, code, pass], i) => ({
  file: join(project, 'src', `purity-${process.pid}-${i}${role}.ts`),
  code,
  pass,
}));
try {
  for (const { file, code } of samples) writeFileSync(join(root, file), code);
  const files = samples.map(({ file }) => file);
  const said = spawnSync(process.execPath, [biome, 'lint', ...rules, '--reporter=github', ...files], {
    cwd: root,
    encoding: 'utf8',
  });
  const output = said.stdout + said.stderr;
  const wrong = samples.filter(({ file, pass }) => output.includes(file) === pass);
  for (const { file, code, pass } of wrong)
    process.stderr.write(`biome.json ${pass ? 'refuses' : 'lets pass'}, in ${file}: ${code.split('\n')[0]}\n`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  for (const { file } of samples) rmSync(join(root, file), { force: true });
}

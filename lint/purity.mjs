// `npm run lint`: the rule that a file without a role suffix is pure does bite, in services as in libs. In Biome the
// options of a later override replace those of an earlier one, and once that left the rule off without a word.
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
const rules = [
  'style/noRestrictedImports',
  'style/noRestrictedGlobals',
  'style/noProcessEnv',
  'nursery/noJsRestrictedProperties',
  'plugin',
].flatMap((rule) => ['--only', rule]);

const imports = (name, from) => `import { ${name} } from '${from}';\nexport const used = ${name};\n`;
const evaluates = (expression) => `export const asked = () => ${expression};\n`;
const reads = imports('readFileSync', 'node:fs');
const asks = evaluates("fetch('http://localhost')");
const sends = imports('Kafka', 'kafkajs');
const environment = evaluates("process.env['HOME']");
/** What is neither I/O nor a function of its arguments alone. */
const impure = [
  ['totalmem', 'node:os'],
  ['spawn', 'node:child_process'],
  ['connect', 'node:net'],
  ['request', 'node:http'],
  ['request', 'node:https'],
  ['threadId', 'node:worker_threads'],
  ['setTimeout', 'node:timers'],
  ['setTimeout', 'node:timers/promises'],
  ['readFile', 'node:fs/promises'],
  ['performance', 'node:perf_hooks'],
  ['env', 'node:process'],
  ['randomUUID', 'node:crypto'],
  ['randomBytes', 'node:crypto'],
  ['randomInt', 'node:crypto'],
  ['steadyNow', '@slipway/platform'],
]
  .map((sample) => imports(...sample))
  .concat(
    [
      'Math.random()',
      'crypto.randomUUID()',
      'Date.now()',
      '[Date.now]',
      'new Date()',
      'Date()',
      'performance.now()',
      'process.hrtime()',
      'globalThis.Date.now()',
    ].map(evaluates),
  );
const pure = [
  imports('createHash', 'node:crypto'),
  imports('isUtf8', 'node:buffer'),
  evaluates('[new Date(0), Date.parse(""), Math.max(0)]'),
];
const samples = [
  ...[reads, asks, ...impure].flatMap((code) => [
    ['services/registry', '', code, false],
    ['services/registry', '.store', code, true],
    ['libs/stats', '', code, false],
  ]),
  ['services/registry', '', environment, false],
  ['services/registry', '.store', environment, false],
  ['libs/stats', '', environment, false],
  ['services/registry', '', sends, false],
  ['services/registry', '.store', sends, false],
  ...pure.flatMap((code) => [
    ['services/registry', '', code, true],
    ['libs/stats', '', code, true],
  ]),
].map(([project, role, code, pass], i) => ({
  file: join(project, 'src', `purity-${process.pid}-${i}${role}.ts`),
  code,
  pass,
}));
try {
  for (const { file, code } of samples) writeFileSync(join(root, file), code);
  const files = samples.map(({ file }) => file);
  const said = spawnSync(
    process.execPath,
    [biome, 'lint', ...rules, '--reporter=github', '--max-diagnostics=none', ...files],
    { cwd: root, encoding: 'utf8' },
  );
  const output = said.stdout + said.stderr;
  const wrong = samples.filter(({ file, pass }) => output.includes(file) === pass);
  for (const { file, code, pass } of wrong)
    process.stderr.write(`biome.json ${pass ? 'refuses' : 'lets pass'}, in ${file}: ${code.split('\n')[0]}\n`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  for (const { file } of samples) rmSync(join(root, file), { force: true });
}

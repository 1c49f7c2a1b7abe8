// `npm run lint`: which room may import which. A project's room is the tag `room:NAME` in its package.json, and what it
// imports is declared there. A package is imported by its name, never by a path into its folder. And Nx can build and
// lint every project, and test those that have unit tests. Each rule is first shown to reject a project that breaks it.
import { dirname, join } from 'node:path';
import { readProjects } from './projects.mjs';

const CONTRACTS = ['core', 'model', 'release', 'contracts'];
const LIBS = [...CONTRACTS, 'stats', 'routing', 'protocol', 'client', 'platform'];
/** Room → the rooms that it may import. */
const ROOMS = {
  core: [],
  stats: [],
  model: ['core'],
  release: ['core', 'model'],
  contracts: ['core', 'model', 'release'],
  routing: CONTRACTS,
  protocol: CONTRACTS,
  client: CONTRACTS,
  platform: [...CONTRACTS, 'routing', 'protocol'],
  services: LIBS,
  deploy: LIBS,
  examples: [...LIBS, 'deploy'],
  test: [...LIBS, 'services', 'deploy', 'examples'],
};

/** `from '…'`, `import '…'` and `import('…')` on lines that are not comments. */
const IMPORT = /^(?!\s*(?:\/\/|\*|\/\*)).*?(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/gm;
const UNIT_TEST = /^(libs|services|examples|deploy)\/.*\.test\.ts$/;

/**
 * @param {import('./projects.mjs').Project[]} projects
 * @returns {string[]} what is wrong, one line each
 */
function violations(projects) {
  const roomOf = (name) => projects.find((project) => project.name === name)?.room;
  return projects.flatMap(({ folder, name, room, targets, dependencies, sources }) => {
    const wrong = [];
    const needed = ['build', 'lint', ...(Object.keys(sources).some((file) => UNIT_TEST.test(file)) ? ['test'] : [])];
    for (const target of needed)
      if (!targets.includes(target)) wrong.push(`${folder}/package.json: nx has no target "${target}"`);
    const allowed = ROOMS[room];
    if (!allowed) return [...wrong, `${folder}/package.json: nx has no tag "room:…" that lint/boundaries.mjs knows`];
    for (const imported of dependencies)
      if (!allowed.includes(roomOf(imported)))
        wrong.push(`${folder}/package.json: the room "${room}" may not import ${imported}`);
    for (const [file, source] of Object.entries(sources))
      for (const [, path] of source.matchAll(IMPORT)) {
        const imported = /^@slipway\/[^/]+/.exec(path)?.[0];
        if (imported && imported !== name && !dependencies.includes(imported))
          wrong.push(`${file}: ${path} is not declared in ${folder}/package.json`);
        // Scripts (.mjs) are excepted: they run before anything is built.
        if (path.startsWith('.') && file.endsWith('.ts') && !join(dirname(file), path).startsWith(`${folder}/`))
          wrong.push(`${file}: ${path} is outside ${folder}: import the package by its name`);
      }
    return wrong;
  });
}

const project = (room, more = {}) => ({
  folder: `libs/${room}`,
  name: `@slipway/${room}`,
  room,
  targets: ['build', 'lint'],
  dependencies: [],
  sources: {},
  ...more,
});
const importing = (room, path, dependencies = []) =>
  project(room, { dependencies, sources: { [`libs/${room}/src/a.ts`]: `import { b } from '${path}';\n` } });
const others = ['core', 'contracts', 'platform'].map((room) => project(room));
const service = (name, more) => project('services', { folder: `services/${name}`, name: `@slipway/${name}`, ...more });
/** What one project says, and a part of the line that it must be answered with; undefined where it is in order. */
const SAMPLES = [
  [importing('routing', '@slipway/contracts', ['@slipway/contracts']), undefined],
  [importing('routing', './b.ts'), undefined],
  [importing('model', '@slipway/contracts', ['@slipway/contracts']), 'the room "model" may not import'],
  [importing('stats', '@slipway/core', ['@slipway/core']), 'the room "stats" may not import'],
  [importing('client', '@slipway/platform', ['@slipway/platform']), 'the room "client" may not import'],
  [service('router', { dependencies: ['@slipway/registry'] }), 'the room "services" may not import'],
  [importing('routing', '@slipway/contracts'), 'is not declared'],
  [importing('routing', '../../core/src/b.ts'), 'is outside'],
  [project('attic'), 'nx has no tag'],
  [project('routing', { targets: ['build'] }), 'no target "lint"'],
  [project('routing', { sources: { 'libs/routing/src/a.test.ts': '' } }), 'no target "test"'],
];
const wrong = SAMPLES.flatMap(([sample, expected]) => {
  const said = violations([...others, service('registry'), sample]);
  const right = expected === undefined ? said.length === 0 : said.length === 1 && said[0].includes(expected);
  return right ? [] : [`lint/boundaries.mjs says of a sample ${JSON.stringify(said)}, not ${expected}`];
});
wrong.push(...violations(readProjects()));
for (const line of wrong) process.stderr.write(`${line}\n`);
process.exitCode = wrong.length === 0 ? 0 : 1;

// The projects of the workspace as their package.json declare them; Nx reads its project graph from the same lines.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * @typedef {object} Project
 * @property {string} folder from the root
 * @property {string} name of its package
 * @property {string | undefined} room from its tag `room:NAME`
 * @property {string[]} targets that Nx runs
 * @property {string[]} dependencies packages of ours that it declares
 * @property {Record<string, string>} sources text of each `.ts` and `.mjs` file, by path from the root
 */

/** @returns {Project[]} ordered by folder */
export function readProjects() {
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts', '*.mjs'], { cwd: root });
  const files = tracked.toString().trim().split('\n');
  const read = (manifest) => {
    const folder = dirname(manifest);
    const declared = JSON.parse(readFileSync(join(root, manifest), 'utf8'));
    const own = files.filter((file) => file.startsWith(`${folder}/`) && existsSync(join(root, file)));
    return {
      folder,
      name: declared.name,
      room: declared.nx?.tags?.find((tag) => tag.startsWith('room:'))?.slice('room:'.length),
      targets: Object.keys(declared.nx?.targets ?? {}),
      dependencies: Object.keys({ ...declared.dependencies, ...declared.devDependencies }).filter((name) =>
        name.startsWith('@slipway/'),
      ),
      sources: Object.fromEntries(own.map((file) => [file, readFileSync(join(root, file), 'utf8')])),
    };
  };
  return workspaces
    .flatMap((pattern) => {
      if (!pattern.endsWith('/*')) return [pattern];
      const parent = pattern.slice(0, -2);
      return readdirSync(join(root, parent)).map((name) => `${parent}/${name}`);
    })
    .map((folder) => `${folder}/package.json`)
    .filter((manifest) => existsSync(join(root, manifest)))
    .map(read)
    .sort((a, b) => a.folder.localeCompare(b.folder));
}

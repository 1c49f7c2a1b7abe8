import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** The user without files of its own: on Debian, Red Hat and Alpine alike. */
const NOBODY = 65_534;

/**
 * Whether a process of root may run as nobody: everybody must be able to pass through the folders above its data. If
 * not (a home that is closed to others), or without root, the process keeps its user.
 */
export function runAs(folder: string): string {
  if (process.getuid?.() !== 0) return '';
  for (let at = resolve(folder); at !== dirname(at); at = dirname(at))
    if (at !== resolve(folder) && (statSync(at).mode & 0o001) === 0) return '';
  return String(NOBODY);
}

/** Gives the data to `id`, and becomes that user permanently, in every thread. Does nothing without an id. */
export function dropPrivileges(id: string | undefined, folder: string): void {
  if (!id) return;
  const user = Number(id);
  execFileSync('chown', ['-R', `${user}:${user}`, folder]);
  process.setgroups?.([]);
  process.setgid?.(user);
  process.setuid?.(user);
}

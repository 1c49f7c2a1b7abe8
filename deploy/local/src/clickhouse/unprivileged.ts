import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** The user that owns nothing: on Debian, Red Hat and Alpine alike. */
const NOBODY = 65_534;

/**
 * Whether a process of root's may run as nobody: everybody may pass through the folders above its data. Where it may
 * not (a home that is closed to others), or where this is no root at all, the process stays who it is.
 */
export function runAs(folder: string): string {
  if (process.getuid?.() !== 0) return '';
  for (let at = resolve(folder); at !== dirname(at); at = dirname(at))
    if (at !== resolve(folder) && (statSync(at).mode & 0o001) === 0) return '';
  return String(NOBODY);
}

/** Gives the data to `id`, and becomes it: permanently, in every thread. Does nothing without an id. */
export function dropPrivileges(id: string | undefined, folder: string): void {
  if (!id) return;
  const user = Number(id);
  execFileSync('chown', ['-R', `${user}:${user}`, folder]);
  process.setgroups?.([]);
  process.setgid?.(user);
  process.setuid?.(user);
}

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Role, roles } from '@slipway/contracts';

export type Secrets = {
  postgres: string;
  clickhouse: { slipway: string; analyst: string };
  keys: Record<Role, string>;
};

/** Passwords and one API key for each role, made once and kept in a file that only its owner can read. */
export function loadSecrets(file: string): Secrets {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Secrets;
  const secret = () => randomBytes(18).toString('base64url');
  const secrets: Secrets = {
    postgres: secret(),
    clickhouse: { slipway: secret(), analyst: secret() },
    keys: Object.fromEntries(roles.map((role) => [role, `slw_${role}_${secret()}`])) as Record<Role, string>,
  };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  return secrets;
}

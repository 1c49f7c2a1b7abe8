import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type AuditPublicKey, auditKeyId, auditPublicKeySchema } from '@slipway/contracts';
import { z } from 'zod';

/** `folder`: the public half of every key that signs or has signed. */
export type AuditKey = { id: string; privateKey: KeyObject; folder: string };

let current: AuditKey | undefined;

/**
 * Reads the Ed25519 key that this process signs the audit with, and keeps it. If the file does not exist, it is made,
 * readable by its owner only; when several registries start at once, one makes it. Its public half is stored beside
 * those of earlier keys, with the time of its first use, so that earlier signatures can still be verified.
 *
 * @param file PKCS#8 in PEM
 * @param folder for the public halves, a file for each
 * @param now milliseconds since the epoch
 * @throws Error when the file contains no Ed25519 key, or a file cannot be read or made
 */
export function openAuditKey(file: string, folder: string, now: number): AuditKey {
  const privateKey = createPrivateKey(readOrMake(file, newKey, 0o600));
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error(`${file} holds no Ed25519 key`);
  const id = auditKeyId(privateKey);
  readOrMake(join(folder, `${id}.json`), () => publicHalf(id, privateKey, now), 0o644);
  current = { id, privateKey, folder };
  return current;
}

const newKey = () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
const publicHalf = (id: string, key: KeyObject, since: number) =>
  `${JSON.stringify({ id, since, public_key: createPublicKey(key).export({ type: 'spki', format: 'pem' }) })}\n`;

/**
 * The public keys that sign or have signed, oldest first.
 * @param path the folder of `openAuditKey`, or a file with the answer of `GET /v1/audit/verification`
 * @throws Error when it contains no such key
 */
export function readAuditKeys(path: string): AuditPublicKey[] {
  const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as unknown;
  const keys = statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => name.endsWith('.json'))
        .map((name) => auditPublicKeySchema.parse(read(join(path, name))))
    : z.object({ keys: z.array(auditPublicKeySchema) }).parse(read(path)).keys;
  return keys.sort((a, b) => a.since - b.since);
}

/** @throws Error before the process has opened a key */
export function signAuditHash(hash: string): { key_id: string; signature: string } {
  if (!current) throw new Error('the key of the audit is not open');
  return {
    key_id: current.id,
    signature: sign(null, Buffer.from(hash, 'hex'), current.privateKey).toString('base64'),
  };
}

/** The content of the file; when several make it at once, the content of the first one. */
function readOrMake(file: string, make: () => string, mode: number): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  mkdirSync(dirname(file), { recursive: true });
  const own = `${file}.${process.pid}`;
  writeFileSync(own, make(), { mode, flag: 'wx' });
  try {
    linkSync(own, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(own);
  }
  return readFileSync(file, 'utf8');
}

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { auditKeyId } from '@slipway/contracts';

export type AuditKey = { id: string; publicKey: KeyObject; privateKey: KeyObject };

let current: AuditKey | undefined;

/**
 * Reads the Ed25519 key that this process signs the audit with, and keeps it. Without the file it makes one that only
 * its owner reads; of several registries that start at once, one makes it.
 *
 * @param file PKCS#8 in PEM
 * @throws when the file holds no Ed25519 key or cannot be read or made
 */
export function openAuditKey(file: string): AuditKey {
  const privateKey = createPrivateKey(readOrMake(file));
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error(`${file} holds no Ed25519 key`);
  current = { id: auditKeyId(privateKey), publicKey: createPublicKey(privateKey), privateKey };
  return current;
}

/** @throws when the process has opened no key */
export function signAuditHash(hash: string): { key_id: string; signature: string } {
  if (!current) throw new Error('the key of the audit is not open');
  return {
    key_id: current.id,
    signature: sign(null, Buffer.from(hash, 'hex'), current.privateKey).toString('base64'),
  };
}

function readOrMake(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  mkdirSync(dirname(file), { recursive: true });
  const own = `${file}.${process.pid}`;
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(own, pem, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(own, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(own);
  }
  return readFileSync(file, 'utf8');
}

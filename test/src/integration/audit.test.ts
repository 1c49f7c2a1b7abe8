import { execFile } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type RegistryClient, registryClient } from '@slipway/client';
import {
  AUDIT_GENESIS,
  type AuditRow,
  type AuditVerification,
  auditHash,
  auditKeyId,
  topics,
} from '@slipway/contracts';
import { until } from '@slipway/local';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root, startTestStack, type TestStack } from '../fixtures/stack.ts';

let stack: TestStack;
let admin: RegistryClient;
let superuser: Client;
/** Two chains of two rows each. */
let chains: [string, string];
const verify = () => admin.audit.verify();
const published = () =>
  until('every row to be on the topic and all to be well', async () => {
    const answer = await verify();
    return answer.ok && answer.waiting === 0;
  });

beforeAll(async () => {
  stack = await startTestStack('audit', { counts: { registries: 1, routers: 0, workers: 0 } });
  admin = registryClient({ url: stack.registries[0] as string, key: stack.secrets.keys.admin });
  superuser = new Client({ connectionString: stack.databaseUrl });
  superuser.on('error', () => undefined);
  await superuser.connect();
  const chain = async (name: string) => {
    const { id } = await admin.keys.create({ name, role: 'viewer' });
    await admin.keys.revoke({ id });
    return `key/${id}`;
  };
  chains = [await chain('one'), await chain('two')];
  await published();
});
afterAll(async () => {
  await superuser?.end();
  await stack?.end();
});

/** The result of the verification while Postgres is as `change` leaves it, with no trigger in the way. */
async function whileTampered(change: () => Promise<unknown>): Promise<AuditVerification> {
  await superuser.query('ALTER TABLE audit DISABLE TRIGGER ALL; CREATE TABLE audit_before AS SELECT * FROM audit');
  try {
    await change();
    return await verify();
  } finally {
    await superuser.query(
      'TRUNCATE audit; INSERT INTO audit SELECT * FROM audit_before; DROP TABLE audit_before; ALTER TABLE audit ' +
        'ENABLE TRIGGER ALL',
    );
  }
}

/** Another actor from the first row on, and every hash of the chain recomputed; signed again when there is a key. */
async function rewrite(aggregate: string, key?: KeyObject): Promise<void> {
  const { rows } = await superuser.query<AuditRow>('SELECT * FROM audit WHERE aggregate = $1 ORDER BY n', [aggregate]);
  let previous = AUDIT_GENESIS;
  for (const old of rows) {
    const row = { ...old, time: Number(old.time), actor: 'somebody else', previous_hash: previous };
    const hash = auditHash(row);
    await superuser.query(
      'UPDATE audit SET actor = $2, previous_hash = $3, hash = $4, key_id = $5, signature = $6 WHERE event_id = $1',
      [
        row.event_id,
        row.actor,
        previous,
        hash,
        key ? auditKeyId(key) : row.key_id,
        key ? sign(null, Buffer.from(hash, 'hex'), key).toString('base64') : row.signature,
      ],
    );
    previous = hash;
  }
}
const OTHER_HASH = 'its hash is not the one on audit.v1';

describe('the verification of the audit', () => {
  it('finds no fault in an unchanged audit, and names its signing key, which only its owner can read', async () => {
    const file = join(stack.folder, 'audit-key.pem');
    const answer = await verify();
    expect(answer).toMatchObject({ ok: true, broken: [], rewritten: [], missing: [], compared_with_topic: true });
    expect(answer.rows).toBeGreaterThanOrEqual(4);
    expect(answer.key.id).toBe(auditKeyId(createPrivateKey(readFileSync(file))));
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it.each(['UPDATE audit SET reason = reason', 'DELETE FROM audit', 'TRUNCATE audit'])(
    'is not needed for %s: the table refuses it, also from a superuser',
    async (statement) => {
      await expect(superuser.query(statement)).rejects.toThrow('audit is immutable');
    },
  );

  it('names a chain that was rewritten with matching hashes', async () => {
    const [aggregate] = chains;
    expect(await whileTampered(() => rewrite(aggregate))).toMatchObject({
      ok: false,
      broken: [],
      rewritten: [{ aggregate, n: 1, why: `${OTHER_HASH}; its signature does not fit its hash` }],
    });
  });

  it('names a rewritten chain signed by another key, and one signed by the stolen key of the registry', async () => {
    const [aggregate] = chains;
    const foreign = generateKeyPairSync('ed25519').privateKey;
    expect((await whileTampered(() => rewrite(aggregate, foreign))).rewritten).toEqual([
      { aggregate, n: 1, why: `${OTHER_HASH}; it is signed with another key, ${auditKeyId(foreign)}` },
    ]);
    const stolen = createPrivateKey(readFileSync(join(stack.folder, 'audit-key.pem')));
    expect(await whileTampered(() => rewrite(aggregate, stolen))).toMatchObject({
      ok: false,
      broken: [],
      rewritten: [{ aggregate, n: 1, why: OTHER_HASH }],
      missing: [],
    });
  });

  it('names a deleted tail and a deleted chain', async () => {
    const [one, two] = chains;
    const tail = await whileTampered(() => superuser.query('DELETE FROM audit WHERE aggregate = $1 AND n = 2', [one]));
    expect(tail).toMatchObject({ ok: false, broken: [], rewritten: [] });
    expect(tail.missing).toEqual([{ aggregate: one, from: 'postgres', first: 2, last: 2, rows: 1 }]);
    const chain = await whileTampered(() => superuser.query('DELETE FROM audit WHERE aggregate = $1', [two]));
    expect(chain.ok).toBe(false);
    expect(chain.missing).toEqual([{ aggregate: two, from: 'postgres', first: 1, last: 2, rows: 2 }]);
  });

  it('names every chain of a table that was emptied', async () => {
    const before = (await verify()).rows;
    const answer = await whileTampered(() => superuser.query('TRUNCATE audit'));
    expect(answer).toMatchObject({ ok: false, rows: 0, broken: [] });
    expect(answer.missing.reduce((sum, m) => sum + m.rows, 0)).toBe(before);
    expect(answer.missing.map((m) => m.aggregate)).toEqual(expect.arrayContaining(chains));
  });

  it('names a row that was inserted and never published', async () => {
    const [aggregate] = chains;
    const answer = await whileTampered(() =>
      superuser.query(
        `INSERT INTO audit SELECT (jsonb_populate_record(
           a, '{"seq": 1000000, "n": 3, "event_id": "0198c0de-0000-7000-8000-000000000001"}'
         )).*
         FROM audit a WHERE aggregate = $1 AND n = 2`,
        [aggregate],
      ),
    );
    expect(answer.missing).toEqual([{ aggregate, from: 'topic', first: 3, last: 3, rows: 1 }]);
    expect(answer.broken).toMatchObject([{ aggregate, n: 3 }]);
  });

  it('is not ok while Kafka is unavailable, says so, and reports no waiting row as missing', async () => {
    await stack.supervisor.stop('kafka');
    try {
      await admin.keys.create({ name: 'three', role: 'viewer' });
      expect(await verify()).toMatchObject({
        ok: false,
        compared_with_topic: false,
        broken: [],
        rewritten: [],
        missing: [],
      });
    } finally {
      await stack.supervisor.startAgain('kafka');
    }
    await published();
  });
});

describe('the key of the audit', () => {
  const exec = promisify(execFile);
  const folder = () => join(stack.folder, 'audit-keys');
  /** `npm run replay`, with its exit status. */
  const replay = (...args: string[]) =>
    exec(process.execPath, [
      join(root, 'services', 'registry', 'dist', 'audit', 'replay.cli.js'),
      ...['--brokers', stack.kafkaBrokers, ...args],
    ]).then(
      ({ stdout, stderr }) => ({ status: 0, stdout, stderr }),
      (e: { code: number; stdout: string; stderr: string }) => ({ status: e.code, stdout: e.stdout, stderr: e.stderr }),
    );

  it('is replaced, and earlier signatures can still be verified: by registry and replay', async () => {
    const before = await verify();
    expect(before.keys).toEqual([{ ...before.key, since: expect.any(Number) }]);
    const file = join(stack.folder, 'audit-key.pem');
    await stack.supervisor.stop('registry-1');
    renameSync(file, `${file}.old`);
    await stack.supervisor.startAgain('registry-1');
    await admin.keys.create({ name: 'signed by the new key', role: 'viewer' });
    await published();
    const after = await verify();
    expect(after.key.id).toBe(auditKeyId(createPrivateKey(readFileSync(file))));
    expect(after.keys.map((k) => k.id)).toEqual([before.key.id, after.key.id]);
    expect(after.keys[1]?.since).toBeGreaterThan(after.keys[0]?.since as number);
    const { rows } = await superuser.query<{ key_id: string }>(
      'SELECT key_id FROM audit GROUP BY key_id ORDER BY min(seq)',
    );
    expect(rows.map((r) => r.key_id)).toEqual(after.keys.map((k) => k.id));
    // without the old public half its rows cannot be distinguished from forged ones
    renameSync(join(folder(), `${before.key.id}.json`), join(stack.folder, 'away.json'));
    expect((await verify()).rewritten.map((r) => r.why)).toContain(`it is signed with another key, ${before.key.id}`);
    renameSync(join(stack.folder, 'away.json'), join(folder(), `${before.key.id}.json`));
    expect(await verify()).toMatchObject({ ok: true });

    expect(await replay('--keys', folder())).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(
        /^\d+ audit rows, 0 broken, 0 records are no rows; 0 not signed by any of the keys\n$/,
      ),
    });
    const saved = join(stack.folder, 'verification.json');
    writeFileSync(saved, JSON.stringify(after));
    expect((await replay('--keys', saved)).status).toBe(0);
    expect((await replay()).stderr).toContain('signatures were not checked (give --keys');
  });

  it('reports rows in the replay that no known key has signed, and ignores them', async () => {
    const aggregate = chains[0];
    const forger = generateKeyPairSync('ed25519').privateKey;
    const { rows } = await superuser.query('SELECT * FROM audit WHERE aggregate = $1 AND n = 2', [aggregate]);
    const { seq: _, ...real } = rows[0] as AuditRow & { seq: string };
    const row = { ...real, n: 3, time: Number(real.time), previous_hash: real.hash };
    const hash = auditHash(row);
    const signature = sign(null, Buffer.from(hash, 'hex'), forger).toString('base64');
    const producer = stack.kafka.producer();
    await producer.connect();
    const forged = [
      { ...row, hash, signature, key_id: auditKeyId(forger) },
      { ...row, hash, signature },
    ];
    for (const value of forged.map((r) => JSON.stringify(r)))
      await producer.send({ topic: topics.audit.name, messages: [{ key: aggregate, value }] });
    await producer.disconnect();
    const answer = await replay('--keys', folder());
    expect(answer.status).toBe(1);
    expect(answer.stdout.split('\n').filter(Boolean).sort()).toEqual([
      `NOT SIGNED ${aggregate} row 3: it is signed with another key, ${auditKeyId(forger)}`,
      `NOT SIGNED ${aggregate} row 3: its signature does not fit its hash`,
    ]);
    expect(answer.stderr).toContain(' 0 broken, ');
    // the registry ignores them, as before
    expect(await verify()).toMatchObject({ ok: true, ignored_on_topic: 2 });
  });
});

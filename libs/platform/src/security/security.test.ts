import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { commonConfigSchema } from '../process/config.ts';
import { postgresTls } from './security.ts';

// Like the configuration of a service.
const schema = commonConfigSchema.extend({ DATABASE_URL: z.url(), CLICKHOUSE_URL: z.url() });
const env = {
  INSTANCE_ID: 'a',
  PORT: '1',
  KAFKA_BROKERS: 'k:9092',
  DATABASE_URL: 'postgres://u:p@h/d',
  CLICKHOUSE_URL: 'http://u:p@h:8123',
};
const refused = (more: Record<string, string>) =>
  schema.safeParse({ ...env, ...more }).error?.issues.map((i) => `${i.path.join('.')}: ${i.message}`);

let folder: string;
let ca: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'security-'));
  ca = join(folder, 'ca.pem');
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      '/CN=test',
      '-days',
      '2',
    ].concat(['-keyout', join(folder, 'key.pem'), '-out', ca]),
    { stdio: 'pipe' },
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the security settings', () => {
  it('are all absent by default', () => {
    expect(schema.parse(env)).toMatchObject({ KAFKA_TLS: false, DATABASE_TLS: false });
  });

  it('are accepted when complete; certificate files are read at the start', () => {
    const config = schema.parse({
      ...env,
      CLICKHOUSE_URL: 'https://u:p@h:8443',
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: 'slipway-router',
      KAFKA_SASL_PASSWORD: 'secret',
      KAFKA_TLS: 'true',
      KAFKA_TLS_CA: ca,
      DATABASE_TLS: 'true',
      DATABASE_TLS_CA: ca,
      CLICKHOUSE_TLS_CA: ca,
    });
    const pem = readFileSync(ca, 'utf8');
    expect([config.KAFKA_TLS_CA, config.CLICKHOUSE_TLS_CA]).toEqual([pem, pem]);
    expect(postgresTls(config)).toEqual({ rejectUnauthorized: true, ca: pem });
  });

  it('are refused when incomplete, naming what is missing', () => {
    expect(refused({ KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'u' })).toEqual([
      'KAFKA_SASL_PASSWORD: KAFKA_SASL_MECHANISM is set, so this has to be set too',
    ]);
    expect(refused({ KAFKA_SASL_PASSWORD: 'p' })).toEqual([
      'KAFKA_SASL_PASSWORD: has no effect without KAFKA_SASL_MECHANISM: set that too',
    ]);
    expect(refused({ KAFKA_TLS_CA: ca })).toEqual(['KAFKA_TLS_CA: has no effect without KAFKA_TLS=true: set that too']);
    expect(refused({ DATABASE_TLS: 'false', DATABASE_TLS_CA: ca })).toEqual([
      'DATABASE_TLS_CA: has no effect without DATABASE_TLS=true: set that too',
    ]);
    expect(refused({ DATABASE_URL: 'postgres://u:p@h/d?sslmode=require' })).toEqual([
      'DATABASE_URL: its ssl parameters are not read: set DATABASE_TLS=true, and DATABASE_TLS_CA',
    ]);
    expect(refused({ CLICKHOUSE_TLS_CA: ca })).toEqual([
      'CLICKHOUSE_TLS_CA: has no effect unless CLICKHOUSE_URL begins with https://',
    ]);
  });

  it('are refused when they have no effect', () => {
    const junk = join(folder, 'junk.pem');
    writeFileSync(junk, 'junk');
    expect(refused({ KAFKA_TLS: 'yes' })?.[0]).toMatch(/^KAFKA_TLS: /);
    expect(refused({ KAFKA_SASL_MECHANISM: 'gssapi' })?.[0]).toMatch(/^KAFKA_SASL_MECHANISM: /);
    expect(refused({ KAFKA_TLS: 'true', KAFKA_TLS_CA: join(folder, 'none.pem') })?.[0]).toMatch(
      /^KAFKA_TLS_CA: .*ENOENT/,
    );
    expect(refused({ KAFKA_TLS: 'true', KAFKA_TLS_CA: junk })?.[0]).toMatch(
      /^KAFKA_TLS_CA: cannot read a PEM certificate/,
    );
  });
});

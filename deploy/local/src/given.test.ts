import { expect, it } from 'vitest';
import { givenServers, securityFor } from './given.ts';

const env = {
  KAFKA_BROKERS: 'kafka:9093',
  KAFKA_SASL_MECHANISM: 'plain',
  KAFKA_SASL_USERNAME: 'slipway',
  KAFKA_SASL_PASSWORD: 'secret',
  KAFKA_TLS: 'true',
  KAFKA_TLS_CA: 'ca.pem',
  DATABASE_URL: 'postgres://db/slipway',
  DATABASE_TLS: 'true',
  CLICKHOUSE_URL: 'https://clickhouse:8443',
  CLICKHOUSE_TLS_CA: '/etc/ca.pem',
  HOME: '/root',
};
const kafka = {
  KAFKA_SASL_MECHANISM: 'plain',
  KAFKA_SASL_USERNAME: 'slipway',
  KAFKA_SASL_PASSWORD: 'secret',
  KAFKA_TLS: 'true',
  KAFKA_TLS_CA: '/here/ca.pem',
};

it('passes each process the login and encryption settings of the given servers that it uses', () => {
  const given = givenServers(env, '/here');
  expect(securityFor(given, {})).toEqual(kafka);
  expect(securityFor(given, { clickhouse: true })).toEqual({ ...kafka, CLICKHOUSE_TLS_CA: '/etc/ca.pem' });
  expect(securityFor(given, { clickhouse: true, database: true })).toEqual({
    ...kafka,
    DATABASE_TLS: 'true',
    CLICKHOUSE_TLS_CA: '/etc/ca.pem',
  });
});

it('passes none for a server of the local stack, which needs none', () => {
  const { KAFKA_BROKERS: _, DATABASE_URL: __, CLICKHOUSE_URL: ___, ...rest } = env;
  expect(securityFor(givenServers(rest, '/here'), { clickhouse: true, database: true })).toEqual({});
});

// Over 300 lines: nearly half is one list of every escape that the engine offers, and other queries are short.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { predictionRow as declaredPredictionRow } from '@slipway/contracts';
import { compressedBlocks, isReadableFunction, readCompressedBlocks, refusedFunctions, until } from '@slipway/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClickHouseAlone, startClickHouseAlone } from '../fixtures/clickhouse.ts';
import { predictionRow } from '../fixtures/rows.ts';
import { root } from '../fixtures/stack.ts';

let stack: ClickHouseAlone;
let secretsFile: string;
beforeAll(async () => {
  stack = await startClickHouseAlone('analyst-access');
  secretsFile = join(stack.folder, 'secrets.json');
});
afterAll(() => stack?.end());

/** Whether everybody may pass through all folders above. */
function everybodyMayPass(folder: string): boolean {
  for (let at = folder; at !== dirname(at); at = dirname(at)) if ((statSync(at).mode & 0o001) === 0) return false;
  return true;
}

const as = (who: 'analyst' | 'slipway') =>
  `Basic ${Buffer.from(`${who}:${stack.secrets.clickhouse[who]}`).toString('base64')}`;
async function ask(
  sql: string | Uint8Array,
  params: Record<string, string> = {},
  init: RequestInit = {},
): Promise<{ status: number; text: string; headers: Headers }> {
  const url = new URL(stack.clickhouse.url);
  for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: as('analyst') },
    body: sql as never,
    ...init,
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

describe('an analyst reads what is documented, like any client', () => {
  it.each([
    'SELECT count() FROM slipway.predictions',
    "SELECT count() FROM slipway.predictions FINAL WHERE endpoint = 'spam' AND time > now() - INTERVAL 1 DAY",
    'SELECT * FROM slipway.shadow_accounting LIMIT 1',
    'WITH x AS (SELECT 1 AS a UNION ALL SELECT 2) SELECT sum(a), max(a) OVER (ORDER BY a) FROM x GROUP BY a',
    'SELECT * EXCEPT (request) APPLY toString FROM slipway.predictions LIMIT 1',
    'SELECT a.name FROM system.tables AS a JOIN system.columns AS b ON a.name = b.table LIMIT 1',
    'SELECT table_name FROM information_schema.tables LIMIT 1',
    'SELECT version(), timezone(), currentUser(), currentDatabase()',
    'SHOW TABLES FROM slipway',
    "SHOW TABLES FROM slipway LIKE 'pre%' LIMIT 2",
    'SHOW DATABASES',
    "SHOW FULL COLUMNS FROM predictions FROM slipway LIKE 't%'",
    'SELECT * REPLACE (a + 1 AS a) FROM (SELECT 1 AS a)',
    'SELECT * APPLY(max) APPLY(toString), COLUMNS(a) APPLY quantile(0.5) FROM (SELECT 1 AS a)',
    'SELECT uniqExactIf(number, number > 1), quantileMerge(0.5)(s) ' +
      'FROM (SELECT 1 AS number, quantileState(0.5)(2) AS s)',
    "SELECT CASE 1 WHEN 1 THEN 'a' ELSE 'b' END, CASE WHEN 1 THEN 2 END, 1 BETWEEN 0 AND 2, CAST(1 AS Decimal(10, 2))",
    'SELECT row_number() OVER (PARTITION BY a ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) ' +
      'FROM (SELECT 1 AS a, 2 AS b)',
    "SELECT EXTRACT(YEAR FROM now()), now() - INTERVAL 1 DAY, TRIM(BOTH 'x' FROM 'xax'), " +
      'EXISTS (SELECT 1), 1 NOT IN (2, 3)',
    'SELECT a, count() FROM (SELECT 1 AS a, 2 AS b) GROUP BY GROUPING SETS ((a), (b))',
    'SELECT DISTINCT ON (a) a FROM (SELECT 1 AS a) AS t(a)',
    'DESCRIBE TABLE slipway.predictions',
    'SHOW CREATE TABLE slipway.predictions',
    'EXPLAIN SELECT 1',
    'SELECT number FROM numbers(3) ORDER BY number LIMIT 2 ' +
      'SETTINGS max_threads = 1, max_execution_time = 10 FORMAT JSON',
    'SELECT count() FROM slipway.predictions WHERE request_id IN (SELECT request_id FROM slipway.outcomes)',
    "SELECT arrayMap(x -> x + 1, [1, 2]), 'it''s -- no comment; really', toDate('2026-01-01')",
  ])('%s', async (sql) => expect(await ask(sql)).toMatchObject({ status: 200 }));
  it('unqualified in its database, with parameters and settings in the address', async () => {
    expect((await ask('SELECT count() FROM predictions', { database: 'slipway' })).status).toBe(200);
    const { text } = await ask('SELECT {x:UInt8} + {y:UInt8} AS s FROM {t:Identifier}.one', {
      param_x: '1',
      param_y: '2',
      param_t: 'system',
      output_format_json_quote_64bit_integers: '0',
      default_format: 'JSONEachRow',
    });
    expect(text).toBe('{"s":3}\n');
  });
});

describe('an analyst cannot escape by anything that ClickHouse offers', () => {
  const file = () => secretsFile;
  const ways: [string, () => string][] = [
    ['a file', () => `SELECT * FROM file('${file()}', 'RawBLOB')`],
    ['a file, in another spelling', () => `SELECT * FROM/**/FILE/* */('${file()}', 'RawBLOB')`],
    ['a file in a subquery', () => `SELECT (SELECT x FROM file('${file()}', 'RawBLOB', 'x String') LIMIT 1)`],
    ['a file behind WITH', () => `WITH y AS (SELECT * FROM file('${file()}', 'RawBLOB')) SELECT * FROM y`],
    ['a file in a view function', () => `SELECT * FROM view(SELECT * FROM file('${file()}', 'RawBLOB'))`],
    ['a file as a set', () => `SELECT 1 IN (SELECT 1 FROM file('${file()}', 'RawBLOB'))`],
    ['a file in a JOIN', () => `SELECT * FROM numbers(1) AS n JOIN file('${file()}', 'RawBLOB') AS f ON 1 = 1`],
    ['a file in a UNION', () => `SELECT '' UNION ALL SELECT * FROM file('${file()}', 'RawBLOB')`],
    ['the function file', () => `SELECT file('${file()}')`],
    ['the function file in a lambda', () => `SELECT arrayMap(x -> file(x), ['${file()}'])`],
    ['the process environment', () => "SELECT * FROM file('/proc/self/environ', 'RawBLOB')"],
    ['DESCRIBE of a file', () => `DESCRIBE TABLE file('${file()}')`],
    ['EXPLAIN of a file', () => `EXPLAIN SELECT * FROM file('${file()}', 'RawBLOB')`],
    ['EXPLAIN of a foreign table', () => "EXPLAIN TABLE OVERRIDE mysql('h:1', 'd', 't', 'u', 'p') COLUMNS (a Int8)"],
    ['fileCluster', () => `SELECT * FROM fileCluster('c', '${file()}', 'RawBLOB')`],
    ['url', () => "SELECT * FROM url('http://127.0.0.1:1/', 'RawBLOB')"],
    ['postgresql', () => "SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')"],
    ['mysql', () => "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')"],
    ['s3', () => "SELECT * FROM s3('http://127.0.0.1:1/b/k', 'RawBLOB')"],
    ['remote', () => "SELECT * FROM remote('127.0.0.1', 'system', 'one')"],
    ['cluster', () => "SELECT * FROM cluster('default', 'system', 'one')"],
    ['executable', () => "SELECT * FROM executable('x.sh', 'TSV', 'a String')"],
    ['merge', () => "SELECT * FROM merge('slipway', '.*')"],
    ['loop', () => 'SELECT * FROM loop(numbers(1))'],
    ['sqlite', () => "SELECT * FROM sqlite('/tmp/x', 't')"],
    ['mergeTreeIndex', () => "SELECT * FROM mergeTreeIndex('slipway', 'predictions')"],
    ['dictionary', () => "SELECT * FROM dictionary('d')"],
    ['dictGet', () => "SELECT dictGet('d', 'a', 1)"],
    ['joinGet', () => "SELECT joinGet('slipway.j', 'a', 1)"],
    ['catboostEvaluate', () => "SELECT catboostEvaluate('/tmp/m', 1)"],
    ['INSERT into a file', () => `INSERT INTO FUNCTION file('/tmp/slipway-out.tsv', 'TSV', 'a Int8') SELECT 1`],
    ['INSERT into a table', () => "INSERT INTO slipway.dead_letters (event_id) VALUES ('x')"],
    ['INTO OUTFILE', () => "SELECT 1 INTO OUTFILE '/tmp/slipway-out.tsv'"],
    ['INTO OUTFILE, compressed', () => "SELECT 1 INTO OUTFILE '/tmp/slipway-out.gz' COMPRESSION 'gzip' LEVEL 3"],
    ['a table of engine File', () => 'CREATE TABLE t (a String) ENGINE = File(TSV)'],
    ['a table of engine URL', () => "CREATE TABLE t (a String) ENGINE = URL('http://127.0.0.1:1/', 'TSV')"],
    ['a temporary table', () => 'CREATE TEMPORARY TABLE t (a String)'],
    ['a view', () => 'CREATE VIEW v AS SELECT 1'],
    [
      'a dictionary',
      () =>
        "CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(FILE(PATH '/tmp/x' FORMAT 'TSV')) " +
        'LAYOUT(FLAT()) LIFETIME(0)',
    ],
    ['a function', () => 'CREATE FUNCTION f AS x -> x'],
    ['a named collection', () => 'CREATE NAMED COLLECTION c AS a = 1'],
    ['a user', () => 'CREATE USER u'],
    ['GRANT', () => 'GRANT ALL ON *.* TO analyst'],
    ['SYSTEM STOP MERGES', () => 'SYSTEM STOP MERGES'],
    ['SYSTEM SHUTDOWN', () => 'SYSTEM SHUTDOWN'],
    ['KILL QUERY', () => 'KILL QUERY WHERE 1 SYNC'],
    ['DROP', () => 'DROP TABLE slipway.predictions'],
    ['TRUNCATE', () => 'TRUNCATE TABLE slipway.predictions'],
    ['ALTER', () => 'ALTER TABLE slipway.predictions DELETE WHERE 1'],
    ['OPTIMIZE', () => 'OPTIMIZE TABLE slipway.predictions FINAL'],
    ['ATTACH', () => 'ATTACH TABLE x'],
    ['DETACH', () => 'DETACH TABLE slipway.predictions'],
    ['BACKUP', () => "BACKUP TABLE slipway.predictions TO File('/tmp/b')"],
    ['RESTORE', () => "RESTORE TABLE slipway.predictions FROM File('/tmp/b')"],
    ['SET', () => 'SET readonly = 0'],
    ['USE', () => 'USE system'],
    ['SETTINGS that loosen limits', () => 'SELECT 1 SETTINGS readonly = 0'],
    ['SETTINGS that lift a limit', () => 'SELECT 1 SETTINGS max_execution_time = 0'],
    ['SETTINGS deep inside', () => 'SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 0)'],
    ['SETTINGS that hide the rest', () => `SELECT * FROM file('${file()}', 'RawBLOB') SETTINGS limit = 1`],
    ['SETTINGS that cut the tree', () => "SELECT 1 SETTINGS max_result_rows = 1, result_overflow_mode = 'break'"],
    ['SETTINGS of a schema file', () => "SELECT 1 SETTINGS format_schema = '/etc/passwd'"],
    ['a format that reads a file', () => "SELECT 1 FORMAT Template SETTINGS format_template_row = '/etc/passwd'"],
    ['two statements', () => "SELECT 1; SELECT * FROM file('/etc/passwd', 'RawBLOB')"],
    ['a second statement behind a comment', () => 'SELECT 1 -- x\n; SYSTEM STOP MERGES'],
    ['PARALLEL WITH', () => 'SELECT 1 PARALLEL WITH DROP TABLE slipway.predictions'],
    ['a Kafka table, whose rows it would take away', () => 'SELECT * FROM slipway.predictions_queue'],
    ['a Kafka table as a set', () => "SELECT 'x' IN slipway.predictions_queue"],
    ['the process list with queries of others', () => 'SELECT query FROM system.processes'],
    ['the server, its disks', () => 'SELECT path FROM system.disks'],
    ['the server, its users', () => 'SELECT * FROM system.users'],
    ['the server, its named collections', () => 'SELECT * FROM system.named_collections'],
    ['the server, ZooKeeper', () => "SELECT * FROM system.zookeeper WHERE path = '/'"],
    ['sleeping', () => 'SELECT sleep(3)'],
    ['an environment function', () => "SELECT getServerSetting('max_connections')"],
    ['a file by APPLY', () => `SELECT * APPLY(file) FROM (SELECT '${file()}' AS p)`],
    ['a file by APPLY of a lambda', () => `SELECT * APPLY(x -> file(x)) FROM (SELECT '${file()}' AS p)`],
    [
      'a file by APPLY to chosen columns',
      () => `SELECT COLUMNS('p') APPLY x -> file(x) FROM (SELECT '${file()}' AS p)`,
    ],
    ['a query by APPLY', () => "SELECT * APPLY(x -> (SELECT a FROM url('http://127.0.0.1:1/', 'TSV', 'a String')))"],
    ['a Kafka table by APPLY', () => 'SELECT * APPLY(x -> x IN slipway.predictions_queue) FROM (SELECT 1)'],
    ['a file by REPLACE', () => `SELECT * REPLACE(file('${file()}') AS p) FROM (SELECT '' AS p)`],
    ['a file in the WHERE of SHOW', () => `SHOW TABLES FROM slipway WHERE file('${file()}') LIKE '%a%'`],
    ['sleeping in the WHERE of SHOW', () => 'SHOW COLUMNS FROM predictions FROM slipway WHERE sleep(1)'],
    ['a URL in the WHERE of SHOW', () => "SHOW TABLES WHERE name IN (SELECT a FROM url('http://127.0.0.1:1/', 'TSV'))"],
    ['a Kafka table in the WHERE of SHOW', () => 'SHOW TABLES WHERE name IN slipway.predictions_queue'],
    ['SHOW MERGES', () => 'SHOW MERGES'],
    ['a function that writes the log', () => "SELECT logTrace('x')"],
    ['a function that no list has', () => 'SELECT slipway_row(1, 2)'],
    ['a function of the engine’s own', () => "SELECT __getScalar('x')"],
    ['a name in backticks', () => `SELECT \`file\`('${file()}')`],
    ['a name in double quotes', () => `SELECT "file"('${file()}')`],
    ['a file as a table, in quotes', () => "SELECT * FROM '/etc/passwd'"],
    ['a file as a table, in backticks', () => 'SELECT * FROM `/etc/passwd`'],
    ['a file as a table of the default database', () => 'SELECT * FROM default.`/etc/passwd`'],
    ['files by a pattern as a table', () => `SELECT * FROM '${file().replaceAll('.', '?')}'`],
    ['a file as a set by its name', () => "SELECT 'x' IN `/etc/passwd`"],
    ['DESCRIBE of a file by its name', () => 'DESCRIBE TABLE `/etc/passwd`'],
    ['SHOW CREATE of a file by its name', () => 'SHOW CREATE TABLE `/etc/passwd`'],
    ['whether a file exists', () => 'EXISTS TABLE default.`/etc/passwd`'],
    ['whether a file exists, unqualified', () => 'EXISTS TABLE `/etc/passwd`'],
    ['a function by its name alone', () => `SELECT arrayMap(file, ['${file()}'])`],
    ['a function by its quoted name alone', () => `SELECT mapApply(\`FILE\`, map('${file()}', 1))`],
    ['a limit of half a byte, which the engine rounds to no limit', () => 'SELECT 1 SETTINGS max_memory_usage = 0.5'],
    [
      'JSON that overflows the stack',
      () => `SELECT JSONMergePatch(repeat('{"a":', 1000000), repeat('{"a":', 1000000))`,
    ],
    ['unlimited threads', () => 'SELECT 1 SETTINGS max_threads = 100000'],
    ['a name that looks like lines of the tree', () => 'SELECT * FROM `a\n     TableIdentifier slipway.predictions`'],
    ['a name that looks like a count of the tree', () => 'SELECT * FROM `slipway.predictions (children 1)`'],
    ['a Kafka table as a set by an alias', () => 'WITH predictions_queue AS x SELECT 1 IN x'],
    ['a Kafka table as a set by two aliases', () => 'WITH slipway.predictions_queue AS x, x AS y SELECT 1 NOT IN y'],
    ['a file as a set by an alias', () => 'WITH `/etc/passwd` AS x SELECT 1 IN x'],
    ['a system table as a set by an alias', () => 'SELECT 1 IN x, system.processes AS x'],
    ['an invalid syntax', () => 'SELEC 1'],
  ];
  it.each(ways)('%s', async (_, sql) => {
    const { status, text } = await ask(sql());
    expect([400, 403, 404]).toContain(status);
    const secrets = JSON.parse(readFileSync(secretsFile, 'utf8')) as { postgres: string; keys: Record<string, string> };
    for (const secret of [secrets.postgres, ...Object.values(secrets.keys)]) expect(text).not.toContain(secret);
  });
  it.each([
    ['a setting in the address', 'SELECT 1', { readonly: '0' }],
    ['a limit in the address', 'SELECT 1', { max_execution_time: '0' }],
    ['a limit of less than a microsecond in the address', 'SELECT 1', { max_execution_time: '0.0000001' }],
    ['a limit of half a row in a session', 'SET max_result_rows = 0.5', { session_id: 's3' }],
    ['a format in the address', 'SELECT 1', { default_format: 'Template' }],
    ['a database in the address', 'SELECT 1', { database: 'postgres' }],
    ['a file by parameter', 'SELECT * FROM {t:Identifier}', { param_t: '/etc/passwd' }],
    ['a file in a database by parameter', 'SELECT * FROM {d:Identifier}.`/etc/passwd`', { param_d: 'default' }],
    ['the database of files, in a session', 'USE default', { session_id: 's2' }],
    ['a table by parameter', 'SELECT * FROM slipway.{t:Identifier}', { param_t: 'predictions_queue' }],
    ['an unqualified Kafka table', 'SELECT * FROM predictions_queue', { database: 'slipway' }],
    ['an unqualified Kafka table as a set', "SELECT 'x' IN predictions_queue", { database: 'slipway' }],
    ['an unqualified system table', 'SELECT * FROM processes', { database: 'system' }],
    ['the statement split between address and body', "('/etc/passwd', 'RawBLOB')", { query: 'SELECT * FROM file' }],
    ['a session', 'SET readonly = 0', { session_id: 's1' }],
  ] as const)('%s', async (_, sql, params) => {
    expect([400, 403, 404]).toContain((await ask(sql, params)).status);
  });
  it('and none of it had an effect: no file was written, merges go on, the tables exist', async () => {
    expect(existsSync('/tmp/slipway-out.tsv') || existsSync('/tmp/slipway-out.gz')).toBe(false);
    expect((await ask('SELECT count() FROM slipway.predictions')).status).toBe(200);
  });
  // Only root can become another user, and only if everybody may pass through the folders above the data (ADR 6).
  it.runIf(process.getuid?.() === 0 && everybodyMayPass(root))(
    'its process is not the owner of the secrets, and cannot read them',
    async () => {
      const pid = stack.supervisor.pid('clickhouse');
      const uid = Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
      expect([uid === 0, statSync(secretsFile).mode & 0o777]).toEqual([false, 0o600]);
      // even the writers' login, which may use any function, cannot
      const response = await fetch(stack.clickhouse.url, {
        method: 'POST',
        headers: { authorization: as('slipway') },
        body: `SELECT * FROM file('${secretsFile}', 'RawBLOB')`,
      });
      expect(await response.text()).toMatch(/Permission denied|Cannot open file|CANNOT_/i);
      expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain(stack.secrets.clickhouse.slipway);
    },
  );
});

it('every function of the engine is on a list: allowed or refused', async () => {
  const names = (await stack.query<{ name: string }>("SELECT name FROM system.functions WHERE origin = 'System'")).map(
    (f) => f.name,
  );
  const undecided = names.filter((n) => isReadableFunction(n) === refusedFunctions.has(n.toLowerCase()));
  expect(undecided).toEqual([]);
  expect(names.length).toBeGreaterThan(1500);
  const combinators = (
    await stack.query<{ name: string }>('SELECT name FROM system.aggregate_function_combinators')
  ).map((c) => c.name);
  expect(combinators.filter((c) => !isReadableFunction(`sum${c}`))).toEqual([]);
  expect(['sumFile', 'newFunction', 'fileIf', 'dictGetState'].filter(isReadableFunction)).toEqual([]);
});

it('sees unknown values of enumerations, and the number of their rows', async () => {
  const rows = [predictionRow({ reason: 'chance' }), predictionRow({ reason: 'chance' }), predictionRow()];
  await stack.insert(declaredPredictionRow, [...rows, rows[0] as object]);
  const { text } = await ask('SELECT `table`, `column`, value, rows FROM slipway.unknown_values');
  expect(text).toBe('predictions\treason\tchance\t2\n');
});

it('the grants for a real server are for the same tables and views, and no others', async () => {
  const xml = readFileSync(join(root, 'deploy', 'clickhouse-users', 'slipway.xml'), 'utf8');
  const granted = [...xml.matchAll(/GRANT SELECT ON slipway\.(\w+)</g)].map((m) => m[1]).sort();
  const readable = (
    await stack.query<{ name: string }>(
      "SELECT name FROM system.tables WHERE database = 'slipway' AND (engine LIKE '%MergeTree' OR engine = 'View')",
    )
  ).map((t) => t.name);
  expect(granted).toEqual(readable.filter((name) => name !== 'schema_migrations').sort());
  expect([...xml.matchAll(/<query>(.*?)<\/query>/g)].filter((m) => !/^GRANT SELECT ON /.test(m[1] ?? ''))).toEqual([]);
});

it('the limits for a real server are the same, and may be lowered but not lifted', async () => {
  const xml = readFileSync(join(root, 'deploy', 'clickhouse-users', 'slipway.xml'), 'utf8');
  const [, profile = '', constraints = ''] =
    /<profiles>\s*<analyst>([\s\S]*?)<constraints>([\s\S]*?)<\/constraints>/.exec(xml) ?? [];
  for (const name of ['max_execution_time', 'max_memory_usage', 'max_result_rows', 'max_result_bytes']) {
    const here = (await ask(`SELECT getSetting('${name}')`)).text.trim();
    expect(profile).toContain(`<${name}>${here}</${name}>`);
    expect(constraints).toContain(`<${name}><min>1</min><max>${here}</max></${name}>`);
  }
  for (const set of [
    '<readonly>2</readonly>',
    '<result_overflow_mode>throw</result_overflow_mode>',
    '<cancel_http_readonly_queries_on_client_close>1</cancel_http_readonly_queries_on_client_close>',
  ])
    expect(profile).toContain(set);
  for (const name of ['allow_ddl', 'result_overflow_mode', 'max_concurrent_queries_for_user'])
    expect(constraints).toContain(`<${name}><readonly/></${name}>`);
  expect(xml).toMatch(/<analyst>\s*<password from_env="ANALYST_PASSWORD"\/>[\s\S]*?<profile>analyst<\/profile>/);
});

describe('analysts do not get into each other’s way', () => {
  const heavy = 'SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) % 3 = 7';
  it('heavy queries whose clients have disconnected end, and do not lock others out', async () => {
    const clients = Array.from({ length: 8 }, () => new AbortController());
    const asked = clients.map((c) => ask(heavy, {}, { signal: c.signal }).catch((e: Error) => e.name));
    const running = async () =>
      (
        await stack.query<{ n: number }>(
          `SELECT count() AS n FROM system.processes
           WHERE query LIKE '%sipHash64(number)%' AND query NOT LIKE '%processes%'`,
        )
      )[0]?.n ?? 0;
    await until('they run', async () => (await running()) > 0);
    for (const c of clients) c.abort();
    expect(await Promise.all(asked)).toEqual(clients.map(() => 'AbortError'));
    await until('they have ended', async () => (await running()) === 0);
    expect(await ask('SELECT 1')).toMatchObject({ status: 200, text: '1\n' });
  });
  it('queries that the engine cannot stop give their places to others', async () => {
    // One call of a function on one block: about half a minute without a check of limits or of the client.
    const hard = "SELECT sum(levenshteinDistance(materialize(repeat('a',60000)), repeat('b',60000))) FROM numbers(8)";
    const gone = new AbortController();
    const asked = Array.from({ length: 4 }, () => ask(hard, {}, { signal: gone.signal }).catch((e: Error) => e.name));
    const running = async () =>
      (
        await stack.query<{ n: number }>(
          "SELECT count() AS n FROM system.processes WHERE query LIKE '%levenshtein%' AND query NOT LIKE '%processes%'",
        )
      )[0]?.n ?? 0;
    await until('they run', async () => (await running()) === 4);
    gone.abort();
    await Promise.all(asked);
    await until('there is room', async () => (await ask('SELECT 1')).status === 200);
    expect(await running()).toBeGreaterThan(0);
  });
  it('excess queries are refused with 503 and Retry-After, and the others are answered', async () => {
    const gone = new AbortController();
    const many = Array.from({ length: 24 }, () => ask(heavy, {}, { signal: gone.signal }).catch((e: Error) => e));
    const first = await Promise.race(many);
    if (first instanceof Error) throw first;
    expect([first.status, first.headers.get('retry-after'), first.text]).toEqual([
      503,
      '5',
      expect.stringContaining('TOO_MANY_SIMULTANEOUS_QUERIES'),
    ]);
    gone.abort();
    await Promise.all(many);
    await until('there is room again', async () => (await ask('SELECT 1')).status === 200);
  });
  it('limits are enforced, and named', async () => {
    const { status, text } = await ask('SELECT number FROM numbers(6000000)');
    expect([status, text]).toEqual([413, expect.stringContaining('Limit for result exceeded')]);
  });
  it('a setting of one request does not apply to the next, and one of a session not to another', async () => {
    const rows = async (params: Record<string, string>) =>
      (await ask("SELECT getSetting('max_result_rows')", params)).text.trim();
    expect((await ask('SELECT 1', { max_result_rows: '1' })).status).toBe(200);
    expect(await rows({})).toBe('5000000');
    expect((await ask('SET max_result_rows = 7', { session_id: 'a' })).status).toBe(200);
    expect([await rows({ session_id: 'a' }), await rows({ session_id: 'b' }), await rows({})]).toEqual([
      '7',
      '5000000',
      '5000000',
    ]);
    const database = async (params: Record<string, string>) => (await ask('SELECT currentDatabase()', params)).text;
    expect((await ask('USE system', { session_id: 'a' })).status).toBe(200);
    expect([await database({ session_id: 'a' }), await database({ session_id: 'b' })]).toEqual([
      'system\n',
      'slipway\n',
    ]);
    expect(await database({ session_id: 'a', database: 'slipway' })).toBe('slipway\n');
    expect(await database({ session_id: 'a' })).toBe('system\n');
    expect((await ask('SELECT 1', { session_id: 'a', max_result_rows: '1' })).status).toBe(200);
    expect(await rows({ session_id: 'a' })).toBe('7');
  });
  it('sixty clients that each begin a session, like Python’s, leave room for the next', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 60; i++) statuses.push((await ask('SELECT 1', { session_id: `client-${i}` })).status);
    expect(statuses).toEqual(statuses.map(() => 200));
  });
});

describe('ClickHouse’s own compression, which JDBC uses by default', () => {
  const bytesOf = async (params: Record<string, string>, body: string | Uint8Array, headers = {}) => {
    const url = new URL(stack.clickhouse.url);
    for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization: as('analyst'), ...headers },
      body: body as never,
    });
    return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
  };
  it('answers compress=1 in blocks, reports the number of rows, and reports errors in plain text', async () => {
    const sql = 'SELECT number, toString(number % 97) FROM numbers(300000)';
    const plain = await bytesOf({}, sql);
    const { bytes, headers } = await bytesOf({ compress: '1' }, sql);
    expect(bytes.length).toBeLessThan(plain.bytes.length * 0.7);
    expect(readCompressedBlocks(bytes, plain.bytes.length).equals(plain.bytes)).toBe(true);
    expect(JSON.parse(headers.get('x-clickhouse-summary') as string)).toMatchObject({ result_rows: '300000' });
    expect((await bytesOf({ compress: '1' }, 'SELECT 1 WHERE 0')).bytes.length).toBe(0);
    const refused = await bytesOf({ compress: '1' }, 'SYSTEM STOP MERGES');
    expect([refused.status, refused.headers.get('x-clickhouse-exception-code'), refused.bytes.toString()]).toEqual([
      403,
      '497',
      expect.stringMatching(/^Code: 497\./),
    ]);
  });
  it('answers in both when HTTP compression is asked for too', async () => {
    const { bytes } = await bytesOf(
      { compress: '1', enable_http_compression: '1' },
      'SELECT 1',
      // fetch undoes gzip by itself
      { 'accept-encoding': 'gzip' },
    );
    expect(readCompressedBlocks(bytes, 100).toString()).toBe('1\n');
  });
  it('reads decompress=1, and checks the decoded statement', async () => {
    const packed = (sql: string) => Buffer.concat([...compressedBlocks(Buffer.from(sql))]);
    expect((await bytesOf({ decompress: '1' }, packed('SELECT 41 + 1'))).bytes.toString()).toBe('42\n');
    expect((await bytesOf({ decompress: '1' }, packed(`SELECT * FROM file('${secretsFile}', 'RawBLOB')`))).status).toBe(
      403,
    );
    expect((await bytesOf({ decompress: '1', query: 'SELECT 1' }, packed('+ 1'))).bytes.toString()).toBe('2\n');
  });
  it.each([
    ['no block at all', { decompress: '1' }, {}, Buffer.from('SELECT 1 FROM system.one WHERE 1'), 400, '32'],
    ['a false checksum', { decompress: '1' }, {}, broken(), 400, '40'],
    ['more than a body may have', { decompress: '1' }, {}, bomb(), 413, '307'],
    ['gzip of more than a body may have', {}, { 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(9e6)), 413, '307'],
    ['invalid gzip', {}, { 'content-encoding': 'gzip' }, Buffer.from('SELECT 1'), 400, '354'],
    ['an encoding of another name', {}, { 'content-encoding': 'constructor' }, Buffer.from('SELECT 1'), 415, '73'],
  ] as const)('refuses %s, by status and code', async (_, params, headers, body, status, code) => {
    const answer = await bytesOf(params, body, headers);
    expect([answer.status, answer.headers.get('x-clickhouse-exception-code'), answer.bytes.toString()]).toEqual([
      status,
      code,
      expect.stringMatching(new RegExp(`^Code: ${code}\\. `)),
    ]);
  });
  function broken(): Buffer {
    const block = Buffer.concat([...compressedBlocks(Buffer.from('SELECT 1'))]);
    return block.fill(0, 0, 1);
  }
  /** Two megabytes in a few KB. */
  function bomb(): Buffer {
    return Buffer.concat(Array.from({ length: 2 }, () => Buffer.concat([...compressedBlocks(Buffer.alloc(1 << 20))])));
  }
});

describe('no request ends the process', () => {
  it.each([
    ['a query_id that is not a valid header', '/?query_id=a%0D%0AX-Evil:1&query=SELECT%201', 400],
    ['an invalid address', '//', 400],
    ['an address with a broken escape', '/?%zz=1&query=SELECT%201', 400],
  ])('%s', async (_, path, status) => {
    const answered = await new Promise<number | undefined>((resolve, reject) =>
      request(
        stack.clickhouse.url,
        { path, method: 'POST', headers: { authorization: as('analyst') }, agent: false },
        (response) => resolve(response.resume().statusCode),
      )
        .on('error', reject)
        .end(),
    );
    expect(answered).toBe(status);
    expect((await ask('SELECT 1')).text).toBe('1\n');
  });
  // Each of these once blocked the process for minutes, or for ever.
  it.each([
    [
      'aliases that are each two aliases',
      `WITH ${Array.from({ length: 40 }, (_, i) => `a${i + 1} AS a${i}, a${i + 1} AS a${i}`)} SELECT 1 IN a0`,
      400,
    ],
    ['a name full of what looks like aliases', `SELECT \`x${' (alias '.repeat(110_000)}\``, 400],
    ['a comment full of formats', `SELECT 1 /*${'FORMAT a SETTINGS '.repeat(55_000)};*/`, 200],
  ])('%s is checked at once', async (_, sql, status) => expect((await ask(sql)).status).toBe(status));
  it('an engine that has crashed is restarted', async () => {
    // The writers' login may use any function: this one overflows the stack.
    const crash = `SELECT JSONMergePatch(x, x) FROM
      (SELECT concat(repeat('{"a":', 1000000), '1', repeat('}', 1000000)) AS x)`;
    const before = stack.supervisor.pid('clickhouse');
    const crashed = ask(crash, {}, { headers: { authorization: as('slipway') } }).catch((e: Error) => e.name);
    await until('another process', async () => {
      await ask('SELECT 1').catch(() => undefined);
      return stack.supervisor.pid('clickhouse') !== before;
    });
    expect(await crashed).toBe('TypeError');
    await stack.supervisor.whenReady('clickhouse');
    expect((await ask('SELECT 1')).text).toBe('1\n');
  });
  it('a query of half a megabyte is read whole', async () => {
    const numbers = Array.from({ length: 90_000 }, (_, n) => n).join(',');
    expect((await ask(`SELECT length([${numbers}])`)).text).toBe('90000\n');
  });
});

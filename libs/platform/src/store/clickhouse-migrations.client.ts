import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Row, rows } from '@slipway/contracts';
import { columnSql, columnsOf, literal, quotedName } from '../rows/columns.ts';
import { columnTexts, surplusParts } from '../rows/column-texts.ts';
import { ingestStatements } from '../rows/ingest-sql.ts';
import { unknownValuesStatements } from '../rows/unknown-values.ts';
import { type ClickHouseClient, createClickHouse, queryRows } from './clickhouse.client.ts';

/**
 * Brings ClickHouse's tables and views up to date with `folder` and the declared rows. May run at every deployment.
 *
 * - Numbered files (`0001_….sql`) change tables and are applied once, in order. `${predictions}` and the like stand for
 *   the columns of a declared row.
 * - Columns that a row declares and its table lacks are added; default, codec, TTL and comment follow the
 *   declaration.
 * - Everything else is applied again whenever its text changes: the functions (`functions.sql`), each row's ingest with
 *   what else is kept of its rows (`ingest/TABLE.sql`), the views (`views/*.sql`).
 *
 * Statements are separated by a line of `---` and must be idempotent: an interrupted file is run again from its
 * beginning. `${NAME}` is replaced from `variables`.
 *
 * @returns what was applied: names of files, `columns/TABLE`, `ingest/TABLE`
 * @throws Error for a column whose type differs from the declared one, which only a numbered file can change, and for a
 * database from before the tables were declared
 */
export async function migrateClickHouse(
  url: string,
  folder: string,
  variables: Record<string, string>,
  ca?: string,
): Promise<string[]> {
  const client = createClickHouse(url, 'default', ca);
  try {
    return await new Migration(client, folder, variables).run();
  } finally {
    await client.close();
  }
}

class Migration {
  private readonly client: ClickHouseClient;
  private readonly folder: string;
  private readonly variables: Record<string, string>;
  private readonly applied: string[] = [];
  /** Checksums of what was applied before, by name. */
  private done = new Map<string, string>();
  /** The engine expands functions where they are used, so what uses them is applied again as well. */
  private functions = '';

  constructor(client: ClickHouseClient, folder: string, variables: Record<string, string>) {
    this.client = client;
    this.folder = folder;
    const columns = rows.map((row) => [row.table, columnsOf(row).map(columnSql).join(',\n    ')]);
    this.variables = { ...Object.fromEntries(columns), ...variables };
  }

  async run(): Promise<string[]> {
    await this.open();
    const [functions, numbered, views] = await Promise.all([
      this.read('functions.sql'),
      this.files('.', /^\d{4}_.*\.sql$/),
      this.files('views', /\.sql$/),
    ]);
    await this.repeatable('functions.sql', functions);
    this.functions = functions.join('\n');
    for (const name of numbered) if (!this.done.has(name)) await this.apply(name, await this.read(name));
    for (const row of rows) await this.followDeclaration(row);
    const further = new Set(await this.files('ingest', /\.sql$/));
    for (const row of rows) {
      const file = `ingest/${row.table}.sql`;
      const also = further.has(file) ? await this.read(file) : [];
      const statements = ingestStatements(row, also).map((s) => this.replaced(row.table, s));
      await this.repeatable(`ingest/${row.table}`, statements);
    }
    for (const name of views) await this.repeatable(name, await this.read(name));
    await this.repeatable('views/unknown_values', unknownValuesStatements(rows));
    if (this.applied.length > 0) await this.commentMaterializedViews();
    return this.applied;
  }

  private async open(): Promise<void> {
    await this.command('CREATE DATABASE IF NOT EXISTS slipway');
    await this.command(
      `CREATE TABLE IF NOT EXISTS slipway.schema_migrations
        (name String COMMENT 'a file, or what is made from a declaration',
        checksum String COMMENT 'SHA-256 of its text as it was applied, in hexadecimal',
        applied_at DateTime64(3) DEFAULT now64(3) COMMENT 'when it was applied')
        ENGINE = ReplacingMergeTree(applied_at) ORDER BY name
        COMMENT 'What was applied to the tables and views, and when'`,
    );
    const known = await this.columns('schema_migrations');
    if (!known.has('checksum'))
      throw new Error(
        'the tables in this ClickHouse are of an early version whose migrations no longer exist: start with an empty ' +
          'database (on one machine: npm start -- --fresh)',
      );
    const before = await queryRows<{ name: string; checksum: string }>(
      this.client,
      'SELECT name, checksum FROM slipway.schema_migrations FINAL',
    );
    this.done = new Map(before.map(({ name, checksum }) => [name, checksum]));
  }

  private async files(folder: string, pattern: RegExp): Promise<string[]> {
    const names = (await readdir(join(this.folder, folder))).filter((f) => pattern.test(f)).sort();
    return names.map((name) => (folder === '.' ? name : `${folder}/${name}`));
  }

  private async read(name: string): Promise<string[]> {
    const statements = (await readFile(join(this.folder, name), 'utf8')).split(/^---$/m).map((s) => s.trim());
    return statements.filter((s) => s.length > 0).map((s) => this.replaced(name, s));
  }

  private replaced(name: string, sql: string): string {
    return sql.replace(/\$\{(\w+)\}/g, (_, variable: string) => {
      const value = this.variables[variable];
      if (value === undefined) throw new Error(`${name} needs the variable ${variable}`);
      return value;
    });
  }

  private async repeatable(name: string, statements: readonly string[]): Promise<void> {
    if (this.done.get(name) !== this.checksum(statements)) await this.apply(name, statements);
  }

  private async apply(name: string, statements: readonly string[]): Promise<void> {
    for (const statement of statements)
      try {
        await this.command(statement);
      } catch (error) {
        throw new Error(`${name}: ${(error as Error).message}\n${statement.slice(0, 400)}`, { cause: error });
      }
    await this.client.insert({
      table: 'slipway.schema_migrations',
      values: [{ name, checksum: this.checksum(statements) }],
      format: 'JSONEachRow',
      columns: ['name', 'checksum'],
    });
    this.applied.push(name);
  }

  private checksum(statements: readonly string[]): string {
    return createHash('sha256')
      .update([this.functions, ...statements].join('\n---\n'))
      .digest('hex');
  }

  /**
   * Adds the columns that a row declares and its table lacks, and changes default, codec, TTL and comment of those
   * whose declaration has changed.
   */
  private async followDeclaration(row: Row): Promise<void> {
    const { table } = row;
    const known = await this.columns(table);
    const declared = columnsOf(row);
    const [{ comment = '', texts = '', wanted = '' } = {}] = await queryRows<
      Record<'comment' | 'texts' | 'wanted', string>
    >(
      this.client,
      `SELECT comment, create_table_query AS texts, formatQuerySingleLine({declared:String}) AS wanted
        FROM system.tables WHERE database = 'slipway' AND name = {table:String}`,
      { table, declared: `CREATE TABLE ${table} (${declared.map(columnSql).join(', ')}) ENGINE = Null` },
    );
    const [now, then] = [columnTexts(texts), columnTexts(wanted)];
    const changes: string[] = [];
    let before = '';
    for (const column of declared) {
      const found = known.get(column.name);
      const name = quotedName(column.name);
      const [text, declaredText] = [now.get(column.name) ?? '', then.get(column.name) ?? ''];
      if (!found) changes.push(`ADD COLUMN ${columnSql(column)}${before ? ` AFTER ${quotedName(before)}` : ' FIRST'}`);
      else if (found.type !== column.type)
        throw new Error(
          `the column ${table}.${column.name} is ${found.type} and is declared as ${column.type}: a numbered file in ` +
            'deploy/clickhouse has to change it',
        );
      else if (text !== declaredText) {
        const surplus = surplusParts(text, declaredText);
        changes.push(...surplus.map((part) => `MODIFY COLUMN ${name} REMOVE ${part}`));
        // With nothing left of them there is nothing to set.
        if (declaredText !== column.type) changes.push(`MODIFY COLUMN ${columnSql(column)}`);
      }
      if (found && found.comment !== column.comment) changes.push(`COMMENT COLUMN ${name} ${literal(column.comment)}`);
      before = column.name;
    }
    if (comment !== row.comment) changes.push(`MODIFY COMMENT ${literal(row.comment)}`);
    if (changes.length === 0) return;
    // One after another: ClickHouse takes one change of a column in a statement.
    for (const change of changes) await this.command(`ALTER TABLE slipway.${table} ${change}`);
    // An insert that was put together before does not know a new column: the ingest begins again with it.
    if (changes.some((change) => change.startsWith('ADD COLUMN'))) this.done.delete(`ingest/${table}`);
    this.applied.push(`columns/${table}`);
  }

  private async columns(table: string): Promise<Map<string, { type: string; comment: string }>> {
    const found = await queryRows<{ name: string; type: string; comment: string }>(
      this.client,
      "SELECT name, type, comment FROM system.columns WHERE database = 'slipway' AND table = {table:String}",
      { table },
    );
    return new Map(found.map((c) => [c.name, c]));
  }

  /** Columns of a materialized view without a comment get the comment of its target's column. */
  private async commentMaterializedViews(): Promise<void> {
    const views = await queryRows<{ view: string; comments: [string, string][] }>(
      this.client,
      `SELECT c.table AS view, groupArray((c.name, t.comment)) AS comments
        FROM (SELECT name, extract(create_table_query, ' TO slipway\\.(\\w+)') AS target
          FROM system.tables WHERE database = 'slipway' AND engine = 'MaterializedView') AS v
        JOIN system.columns AS c ON c.table = v.name
        JOIN system.columns AS t ON t.table = v.target AND t.name = c.name
        WHERE c.database = 'slipway' AND t.database = 'slipway' AND c.comment = '' AND t.comment != ''
        GROUP BY view`,
    );
    for (const { view, comments } of views) {
      const changes = comments.map(([column, text]) => `COMMENT COLUMN ${quotedName(column)} ${literal(text)}`);
      await this.command(`ALTER TABLE slipway.${view} ${changes.join(', ')}`);
    }
  }

  private command(query: string) {
    return this.client.command({ query });
  }
}

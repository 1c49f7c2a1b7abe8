import { createRequire } from 'node:module';

const { Session } = createRequire(import.meta.url)('chdb') as typeof import('chdb');
type ChdbSession = InstanceType<typeof Session>;

/** A session on a data folder; several on the same folder run side by side. About a millisecond. */
export function openSession(folder: string, configFile: string): ChdbSession {
  return new Session(folder, { connectionArgs: [`--config-file=${configFile}`] });
}

export type QueryRequest = {
  sql: string;
  format: string;
  database: string;
  /** Settings of this query alone. */
  settings: Record<string, string>;
  params: Record<string, string>;
};
/** `rows` are those of the result, which chdb calls read. */
export type QueryResult = { bytes: Uint8Array; rows: number; elapsedSeconds: number };

export const quote = (text: string) => `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;

/** Sessions on one data folder: the queries of one session run one after another, those of several side by side. */
export class SessionPool {
  private readonly idle: { session: ChdbSession; database: string }[] = [];
  private readonly waiting: ((s: { session: ChdbSession; database: string }) => void)[] = [];
  private readonly all: ChdbSession[] = [];

  /** @param configFile ClickHouse's server configuration, for what is no setting of a query */
  constructor(folder: string, size: number, configFile: string) {
    for (let i = 0; i < size; i++) {
      const session = openSession(folder, configFile);
      this.all.push(session);
      this.idle.push({ session, database: 'default' });
    }
  }

  async query(request: QueryRequest): Promise<QueryResult> {
    const slot =
      this.idle.pop() ??
      (await new Promise<{ session: ChdbSession; database: string }>((resolve) => this.waiting.push(resolve)));
    const set: string[] = [];
    try {
      const { session } = slot;
      if (slot.database !== request.database) {
        await session.queryAsync(`USE \`${request.database.replace(/`/g, '')}\``);
        slot.database = request.database;
      }
      for (const [name, value] of Object.entries(request.params))
        await session.queryAsync(`SET param_${name} = ${quote(value)}`);
      for (const [name, value] of Object.entries(request.settings)) {
        await session.queryAsync(`SET ${name} = ${quote(value)}`);
        set.push(name);
      }
      const result = await session.queryAsync(request.sql, { format: request.format });
      return { bytes: result.bytes(), rows: result.rowsRead, elapsedSeconds: result.elapsed };
    } finally {
      for (const name of set) await slot.session.queryAsync(`SET ${name} = DEFAULT`).catch(() => undefined);
      const next = this.waiting.shift();
      if (next) next(slot);
      else this.idle.push(slot);
    }
  }

  close(): void {
    for (const session of this.all) session.close();
  }
}

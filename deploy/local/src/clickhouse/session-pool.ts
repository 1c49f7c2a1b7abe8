import { createRequire } from 'node:module';
import { HttpError } from './errors.ts';

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

const quote = (text: string) => `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;

/** The session that a client wants for its own, how long it waits for a query, and whether this query is the last. */
export type ClientSession = { id: string; timeoutSeconds: number; close: boolean };
type Slot = { session: ChdbSession; database: string };

/** What a writer's parameters and settings may have. */
const MOST_STATEMENT_BYTES = 512 * 1024 * 1024;

/** Sessions on one data folder: the queries of one session run one after another, those of several side by side. */
export class SessionPool {
  private readonly folder: string;
  private readonly configFile: string;
  private readonly idle: Slot[] = [];
  private readonly waiting: ((s: Slot) => void)[] = [];
  private readonly all = new Set<ChdbSession>();
  /** Those that are a client's own, with the temporary tables that it made. */
  private readonly own = new Map<string, { slot: Slot; busy: boolean; timer?: NodeJS.Timeout }>();

  /** @param configFile ClickHouse's server configuration, for what is no setting of a query */
  constructor(folder: string, size: number, configFile: string) {
    this.folder = folder;
    this.configFile = configFile;
    for (let i = 0; i < size; i++) this.idle.push(this.open());
  }

  private open(): Slot {
    const session = openSession(this.folder, this.configFile);
    // Parameters come as one statement.
    session.query(`SET max_query_size = ${MOST_STATEMENT_BYTES}`);
    this.all.add(session);
    return { session, database: 'default' };
  }

  async query(request: QueryRequest): Promise<QueryResult> {
    const slot = this.idle.pop() ?? (await new Promise<Slot>((resolve) => this.waiting.push(resolve)));
    try {
      return await run(slot, request);
    } finally {
      const next = this.waiting.shift();
      if (next) next(slot);
      else this.idle.push(slot);
    }
  }

  /** @throws HttpError 503 while a query of the same session runs */
  async queryIn({ id, timeoutSeconds, close }: ClientSession, request: QueryRequest): Promise<QueryResult> {
    const own = this.own.get(id) ?? { slot: this.open(), busy: false };
    this.own.set(id, own);
    if (own.busy) throw new HttpError(503, '373', 'SESSION_IS_LOCKED', `the session ${id} is in use`, 1);
    own.busy = true;
    clearTimeout(own.timer);
    const end = () => {
      this.own.delete(id);
      this.all.delete(own.slot.session);
      own.slot.session.close();
    };
    try {
      return await run(own.slot, request);
    } finally {
      own.busy = false;
      if (close) end();
      else own.timer = setTimeout(end, Math.min(3600, Math.max(1, timeoutSeconds)) * 1000).unref();
    }
  }

  close(): void {
    for (const session of this.all) session.close();
  }
}

/** One statement for all parameters and settings of a query; undefined without any. */
export function setStatement(
  params: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, string>>,
): string | undefined {
  const set = [
    ...Object.entries(params).map(([name, value]) => `param_${name} = ${quote(value)}`),
    ...Object.entries(settings).map(([name, value]) => `${name} = ${quote(value)}`),
  ];
  return set.length > 0 ? `SET ${set.join(', ')}` : undefined;
}

async function run(slot: Slot, request: QueryRequest): Promise<QueryResult> {
  const { session } = slot;
  const settings = Object.keys(request.settings);
  try {
    if (slot.database !== request.database) {
      await session.queryAsync(`USE \`${request.database.replace(/`/g, '')}\``);
      slot.database = request.database;
    }
    const set = setStatement(request.params, request.settings);
    if (set) await session.queryAsync(set);
    const result = await session.queryAsync(request.sql, { format: request.format });
    return { bytes: result.bytes(), rows: result.rowsRead, elapsedSeconds: result.elapsed };
  } finally {
    const reset = (names: readonly string[]) =>
      session.queryAsync(`SET ${names.map((name) => `${name} = DEFAULT`).join(', ')}`);
    // Where the engine does not know one of them, it may have taken those before it.
    if (settings.length > 0)
      await reset(settings).catch(() => Promise.allSettled(settings.map((name) => reset([name]))));
  }
}

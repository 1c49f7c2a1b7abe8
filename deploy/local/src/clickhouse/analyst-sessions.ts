import { randomUUID } from 'node:crypto';
import { HttpError } from './errors.ts';
import { DATABASES, isReadableFormat, type Readable, refusal } from './judge.ts';
import { openSession, type QueryRequest, type QueryResult, type SessionPool, setStatement } from './session-pool.ts';
import { LIMITS, settingRefusal } from './settings.ts';
import { SessionNotes } from './session-notes.ts';

type Session = ReturnType<typeof openSession>;

const denied = (why: string) => new HttpError(403, '497', 'ACCESS_DENIED', `analyst: Not enough privileges: ${why}`);

/** The database of requests that name none: a session keeps its own then. */
const NOT_SAID = 'default';
const FIRST_DATABASE = 'slipway';
const AT_ONCE = 4;
const WAITING = 16;
const LONGEST_WAIT_MS = 10_000;
const READABLE_FOR_MS = 2000;
/** How long a query may go on after its limit, or after its client has gone. */
const GRACE_MS = 10_000;
const MOST_STUCK = 8;

type Options = {
  sessionId: string | undefined;
  sessionTimeoutSeconds: number /** Aborted when the client has gone. */;
  gone: AbortSignal;
};

/**
 * Runs what analysts ask. Every request gets a session of its own, which is closed after it, so that nothing of one
 * person's reaches the next; what a client SETs or USEs in its session (`session_id`) is noted, and done again first. A
 * statement is written out by the engine, judged on the engine's tree of that text, and that text is what runs. A query
 * ends when its client goes, or at its limits; a few run at once, some wait, and more are refused with 503. The engine
 * cannot end a query within one call of a function: such a one gives its place to others, and when too many of them
 * compute on, `tooManyStuck` is called.
 */
export class AnalystSessions {
  private readonly folder: string;
  private readonly configFile: string;
  private readonly admin: SessionPool;
  private readonly notes = new SessionNotes();
  private readonly waiting: { go: () => void }[] = [];
  private running = 0;
  private readable: { at: number; value: Readable } | undefined;
  /** Sessions whose query has not ended when it should have. */
  private readonly stuck = new Map<Session, Promise<unknown>>();
  private readonly tooManyStuck: () => void;

  /** @param admin sessions that may look at the catalogue and end queries */
  constructor(folder: string, configFile: string, admin: SessionPool, tooManyStuck: () => void) {
    this.tooManyStuck = tooManyStuck;
    this.folder = folder;
    this.configFile = configFile;
    this.admin = admin;
  }

  /** @throws HttpError, or ClickHouse's own error */
  async query(request: QueryRequest, options: Options): Promise<QueryResult> {
    if (!isReadableFormat(request.format)) throw denied(`the format ${request.format} is not the analyst's to use`);
    if (request.database !== NOT_SAID && !DATABASES.has(request.database))
      throw denied(`there is no database ${request.database} for analysts`);
    for (const [name, value] of Object.entries(request.settings)) {
      const refused = settingRefusal(name, value);
      if (refused) throw denied(refused);
    }
    await this.turn(options.gone);
    try {
      return await this.inOwnSession(request, options);
    } finally {
      this.running--;
      this.waiting.shift()?.go();
    }
  }

  /** Waits for one of the places. @throws HttpError with 503 when too many wait, or for too long */
  private async turn(gone: AbortSignal): Promise<void> {
    const busy = () =>
      new HttpError(503, '202', 'TOO_MANY_SIMULTANEOUS_QUERIES', `${this.running} queries run and others wait`, 5);
    if (this.running >= AT_ONCE) {
      if (this.waiting.length >= WAITING) throw busy();
      await new Promise<void>((resolve, reject) => {
        const place = { go: () => settle(resolve) };
        const settle = (end: () => void) => {
          clearTimeout(timer);
          gone.removeEventListener('abort', leave);
          end();
        };
        const leave = () => {
          const at = this.waiting.indexOf(place);
          if (at >= 0) this.waiting.splice(at, 1);
          settle(() => reject(busy()));
        };
        const timer = setTimeout(leave, LONGEST_WAIT_MS);
        gone.addEventListener('abort', leave);
        this.waiting.push(place);
      });
    }
    this.running++;
  }

  private async inOwnSession(request: QueryRequest, options: Options): Promise<QueryResult> {
    const session = openSession(this.folder, this.configFile);
    try {
      await this.limit(session);
      return await this.run(session, request, options);
    } finally {
      this.closeOnceEnded(session);
    }
  }

  private async limit(session: Session): Promise<void> {
    const limits = Object.entries(LIMITS).map(([name, value]) => `${name} = ${value}`);
    await session.queryAsync(
      `SET ${limits.join(', ')}, result_overflow_mode = 'throw', allow_introspection_functions = 0`,
    );
    await session.queryAsync('SET readonly = 2');
  }

  private async run(
    session: Session,
    request: QueryRequest,
    { sessionId, sessionTimeoutSeconds, gone }: Options,
  ): Promise<QueryResult> {
    const noted = this.notes.of(sessionId, sessionTimeoutSeconds);
    const database = request.database === NOT_SAID ? (noted.database ?? FIRST_DATABASE) : request.database;
    await session.queryAsync(`USE \`${database}\``);
    const params = setStatement(request.params, {});
    if (params) await session.queryAsync(params);
    const statement = await this.judged(request, database, sessionId !== undefined);
    for (const set of noted.sets) await session.queryAsync(set);
    const mark = randomUUID();
    await session.queryAsync(`${setStatement({}, { ...request.settings, log_comment: mark })}`);
    let ending: NodeJS.Timeout | undefined;
    const end = () => {
      void this.end(mark);
      // The query may not have begun yet.
      ending = setInterval(() => void this.end(mark), 500);
    };
    if (gone.aborted) throw new HttpError(499, '394', 'QUERY_WAS_CANCELLED', 'the client has gone');
    gone.addEventListener('abort', end);
    try {
      const result = await this.within(session, session.queryAsync(statement, { format: request.format }), gone);
      if (sessionId !== undefined) this.notes.note(sessionId, statement, sessionTimeoutSeconds);
      return { bytes: result.bytes(), rows: result.rowsRead, elapsedSeconds: result.elapsed };
    } finally {
      gone.removeEventListener('abort', end);
      clearInterval(ending);
    }
  }

  /** Waits for a query up to its limit. @throws HttpError 408 when it goes on: its session is `stuck` then */
  private async within<T>(session: Session, query: Promise<T>, gone: AbortSignal): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    let hurry = () => {};
    const late = new Promise<never>((_, reject) => {
      const arm = (ms: number) => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          const ended = query.catch(() => undefined).finally(() => this.stuck.delete(session));
          this.stuck.set(session, ended);
          if (this.stuck.size > MOST_STUCK) this.tooManyStuck();
          reject(new HttpError(408, '159', 'TIMEOUT_EXCEEDED', 'the query does not end within a call of a function'));
        }, ms);
      };
      hurry = () => arm(GRACE_MS);
      arm(Number(LIMITS['max_execution_time']) * 1000 + GRACE_MS);
    });
    gone.addEventListener('abort', hurry);
    try {
      return await Promise.race([query, late]);
    } finally {
      clearTimeout(timer);
      gone.removeEventListener('abort', hurry);
    }
  }

  private closeOnceEnded(session: Session): void {
    const running = this.stuck.get(session);
    if (running) void running.then(() => session.close());
    else session.close();
  }

  /**
   * The statement as the engine writes it out, if an analyst may run it. Read in a session of its own, where no limit
   * that a client has set cuts the tree short.
   * @throws HttpError otherwise
   */
  private async judged(request: QueryRequest, database: string, keeps: boolean): Promise<string> {
    const session = openSession(this.folder, this.configFile);
    try {
      // The text is written here in hexadecimal.
      await session.queryAsync(`SET max_query_size = ${3 * (LIMITS['max_query_size'] as number)}`);
      const params = setStatement(request.params, {});
      if (params) await session.queryAsync(params);
      await session.queryAsync('SET readonly = 2');
      const text = Buffer.from(request.sql, 'utf8').toString('hex');
      const written = await session.queryAsync(`SELECT formatQuerySingleLine(unhex('${text}'))`, { format: 'TSVRaw' });
      const statement = written.text().replace(/\n$/, '');
      // It would cut the tree short too.
      if (/\bmax_result_(rows|bytes)\s*=/.test(statement) && !statement.startsWith('SET '))
        throw denied('max_result_rows and max_result_bytes are set beside the query (in its address), not within it');
      const printed = (await session.queryAsync(`EXPLAIN AST ${statement}`, { format: 'TSVRaw' })).text();
      const context = { database, readable: await this.names(), session: keeps };
      const refused = refusal(printed, statement, context);
      if (refused) throw denied(refused);
      return statement;
    } finally {
      session.close();
    }
  }

  /** Ends a query whose client has gone. */
  private async end(mark: string): Promise<void> {
    await this.admin
      .query({
        sql: `KILL QUERY WHERE Settings['log_comment'] = '${mark}' ASYNC`,
        format: 'Null',
        database: 'default',
        settings: {},
        params: {},
      })
      .catch(() => undefined);
  }

  private async names(): Promise<Readable> {
    const now = performance.now();
    if (this.readable && now - this.readable.at < READABLE_FOR_MS) return this.readable.value;
    const tables = await this.rows(
      "SELECT name, engine LIKE '%MergeTree' OR engine = 'View' FROM system.tables WHERE database = 'slipway'",
    );
    const value: Readable = {
      allowed: new Set(tables.filter(([, readable]) => readable === '1').map(([name = '']) => name)),
      others: new Set(tables.filter(([, readable]) => readable !== '1').map(([name = '']) => name)),
      functions: new Set((await this.rows('SELECT lower(name) FROM system.functions')).map(([name = '']) => name)),
    };
    this.readable = { at: now, value };
    return value;
  }

  private async rows(sql: string): Promise<string[][]> {
    const { bytes } = await this.admin.query({ sql, format: 'TSV', database: 'default', settings: {}, params: {} });
    const lines = Buffer.from(bytes).toString('utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => line.split('\t'));
  }

  /** @returns false when a query goes on that cannot be ended */
  close(): boolean {
    return this.stuck.size === 0;
  }
}

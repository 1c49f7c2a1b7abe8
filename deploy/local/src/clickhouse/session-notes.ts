import { HttpError } from './errors.ts';
import { tokens } from './tree.ts';

const MOST_SESSIONS = 1000;
const MOST_SETS = 100;

type Notes = { database: string | undefined; sets: Map<string, string>; until: number };

/**
 * The SET and USE statements that clients sent in their sessions, by `session_id`, until the sessions have been idle
 * for too long. A session consists only of these; one without any takes no place, so that many clients cannot displace
 * the sessions of others.
 */
export class SessionNotes {
  private readonly notes = new Map<string, Notes>();
  private readonly now: () => number;

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number = () => performance.now()) {
    this.now = now;
  }

  /** The database and the statements of a session, oldest first; restarts its timeout. */
  of(id: string | undefined, timeoutSeconds: number): { database: string | undefined; sets: string[] } {
    const known = id === undefined ? undefined : this.alive(id);
    if (!known) return { database: undefined, sets: [] };
    known.until = this.end(timeoutSeconds);
    return { database: known.database, sets: [...known.sets.values()] };
  }

  /**
   * Records a statement that has run, if it is SET or USE.
   *
   * @param statement as formatted by the engine
   * @throws HttpError 503 when too many sessions have recorded statements, 400 for too many different SETs in one
   */
  note(id: string, statement: string, timeoutSeconds: number): void {
    const used = /^USE `?(\w+)/.exec(statement)?.[1];
    if (used === undefined && !statement.startsWith('SET ')) return;
    for (const known of this.notes.keys()) this.alive(known);
    const known = this.notes.get(id) ?? { database: undefined, sets: new Map<string, string>(), until: 0 };
    if (!this.notes.has(id) && this.notes.size >= MOST_SESSIONS)
      throw new HttpError(503, '202', 'TOO_MANY_SIMULTANEOUS_QUERIES', `${MOST_SESSIONS} sessions are open`, 60);
    if (used !== undefined) known.database = used;
    else {
      const words = tokens(statement);
      const names = words.filter((_, i) => words[i + 1]?.text === '=').map((w) => w.text);
      known.sets.delete(names.join());
      if (known.sets.size >= MOST_SETS)
        throw new HttpError(400, '36', 'BAD_ARGUMENTS', `a session may have at most ${MOST_SETS} different SETs`);
      known.sets.set(names.join(), statement);
    }
    known.until = this.end(timeoutSeconds);
    this.notes.set(id, known);
  }

  private alive(id: string): Notes | undefined {
    const known = this.notes.get(id);
    if (known && known.until <= this.now()) this.notes.delete(id);
    return this.notes.get(id);
  }

  private end(timeoutSeconds: number): number {
    return this.now() + Math.min(3600, Math.max(1, timeoutSeconds)) * 1000;
  }
}

import type { Sql } from '../database/database.store.ts';

/** What is derived from the control plane's state and published: rooms below the routes ask for it by this. */
export abstract class Republish {
  /** Derives the route of every endpoint again, in the transaction of a change that concerns them all. */
  abstract recompileAll(sql: Sql, now: number): Promise<void>;
  /** To be called after the commit of that transaction. */
  abstract published(): void;
}

import type { Sql } from '../database/database.store.ts';

/**
 * Notification for what is derived from the control plane's state: folders below `route` request a new derivation by
 * it.
 */
export abstract class Republish {
  /** Derives the route of every endpoint again, in the transaction of a change that concerns all of them. */
  abstract recompileAll(sql: Sql, now: number): Promise<void>;
  /** To be called after the commit of that transaction. */
  abstract published(): void;
}

import { AsyncLocalStorage } from 'node:async_hooks';
import { ProblemError } from '@slipway/core';
import type { DataSource, EntityManager } from '@slipway/platform/postgres.store';

export type Sql = { query<T>(text: string, parameters?: unknown[]): Promise<T[]> };

function sqlOf(manager: Pick<EntityManager, 'query'>): Sql {
  return {
    async query<T>(text: string, parameters: unknown[] = []): Promise<T[]> {
      const result: unknown = await manager.query(text, parameters);
      // TypeORM gives [rows, count] for UPDATE and DELETE
      if (Array.isArray(result) && result.length === 2 && Array.isArray(result[0]) && typeof result[1] === 'number')
        return result[0] as T[];
      return result as T[];
    },
  };
}

/** Serialisation failure and deadlock. */
const RETRIED = new Set(['40001', '40P01']);
const MOST_RETRIES = 5;

/**
 * Postgres for the stores: parameterised SQL, alone or in one transaction. Within a transaction all queries of the same
 * call join it; a transaction inside it is a savepoint.
 */
export class Database implements Sql {
  private readonly source: DataSource;
  private readonly ambient = new AsyncLocalStorage<EntityManager>();
  constructor(source: DataSource) {
    this.source = source;
  }

  query<T>(text: string, parameters: unknown[] = []): Promise<T[]> {
    return sqlOf(this.ambient.getStore() ?? this.source.manager).query<T>(text, parameters);
  }

  /** Runs work that a request triggers but does not wait for, outside of the request's transaction. */
  detached<T>(work: () => T): T {
    return this.ambient.exit(work);
  }

  async transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const outer = this.ambient.getStore();
    for (let attempt = 0; ; attempt++) {
      try {
        return await (outer ?? this.source).transaction((manager: EntityManager) =>
          this.ambient.run(manager, () => work(sqlOf(manager))),
        );
      } catch (error) {
        const { constraint, code } = error as { constraint?: string; code?: string };
        if (constraint === 'rollouts_one_under_way')
          throw new ProblemError('conflict', 'another rollout of this endpoint is under way', { cause: error });
        // Two transactions waited for each other: Postgres has rolled this one back, so it is repeated as a whole.
        if (outer || attempt >= MOST_RETRIES || !RETRIED.has(code ?? '')) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20 * (attempt + 1) * (0.5 + Math.random())));
      }
    }
  }
}

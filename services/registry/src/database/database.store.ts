import { AsyncLocalStorage } from 'node:async_hooks';
import { ProblemError } from '@slipway/contracts';
import type { DataSource, EntityManager } from '@slipway/platform';

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

/**
 * Postgres as the stores see it: parameterised SQL, alone or in one transaction. Within a transaction everything that
 * the same call does joins it: a transaction inside is a savepoint.
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

  async transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    try {
      return await (this.ambient.getStore() ?? this.source).transaction((manager: EntityManager) =>
        this.ambient.run(manager, () => work(sqlOf(manager))),
      );
    } catch (error) {
      const constraint = (error as { constraint?: string }).constraint;
      if (constraint === 'rollouts_one_under_way')
        throw new ProblemError('conflict', 'another rollout of this endpoint is under way', { cause: error });
      throw error;
    }
  }
}

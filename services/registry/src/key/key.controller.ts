import { Controller } from '@nestjs/common';
import { registryApi } from '@slipway/contracts';
import { type Asked, Operation, steadyNow } from '@slipway/platform';
import { appendAudit } from '../audit/audit.store.ts';
import { Database } from '../database/database.store.ts';
import { OutboxPublisher } from '../outbox/publisher.loop.ts';
import { KeyStore } from '../access/key.store.ts';

const { keys } = registryApi;

@Controller()
export class KeyController {
  private readonly database: Database;
  private readonly keys: KeyStore;
  private readonly publisher: OutboxPublisher;
  constructor(database: Database, keys: KeyStore, publisher: OutboxPublisher) {
    this.database = database;
    this.keys = keys;
    this.publisher = publisher;
  }

  @Operation(keys.create)
  async create({ body: { name, role }, caller }: Asked<typeof keys.create>) {
    const now = steadyNow();
    const made = await this.database.transaction(async (sql) => {
      const key = await this.keys.create(sql, name, role, now);
      await appendAudit(sql, {
        aggregate: `key/${key.id}`,
        actor: caller,
        action: 'create',
        reason: '',
        state: { id: key.id, name: key.name, role: key.role },
        now,
      });
      return key;
    });
    this.publisher.kick();
    return made;
  }

  @Operation(keys.list)
  list({ query: { cursor, limit } }: Asked<typeof keys.list>) {
    return this.keys.list(cursor, limit);
  }

  @Operation(keys.revoke)
  async revoke({ params: { id }, caller }: Asked<typeof keys.revoke>) {
    const now = steadyNow();
    const revoked = await this.database.transaction(async (sql) => {
      const { key, fresh } = await this.keys.revoke(sql, id, now);
      if (!fresh) return key;
      await appendAudit(sql, {
        aggregate: `key/${id}`,
        actor: caller,
        action: 'revoke',
        reason: '',
        state: { id, name: key.name, role: key.role, revoked_at: now },
        now,
      });
      return key;
    });
    this.keys.forget();
    this.publisher.kick();
    return revoked;
  }
}

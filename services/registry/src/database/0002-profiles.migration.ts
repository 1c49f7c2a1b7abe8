import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Profiles1700000000002 implements MigrationInterface {
  name = 'Profiles1700000000002';

  async up(q: QueryRunner): Promise<void> {
    await q.query("ALTER TABLE versions ADD COLUMN profile jsonb, ADD COLUMN profile_note text NOT NULL DEFAULT ''");
  }

  async down(): Promise<void> {
    throw new Error('forward only');
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ControlPlane1700000000001 implements MigrationInterface {
  name = 'ControlPlane1700000000001';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE settings (key text PRIMARY KEY, value jsonb NOT NULL);
      INSERT INTO settings VALUES ('epoch', '1');

      CREATE TABLE models (
        name text PRIMARY KEY, description text NOT NULL, created_at bigint NOT NULL, created_by text NOT NULL,
        retired_at bigint);
      CREATE TABLE versions (
        model text NOT NULL REFERENCES models, version int NOT NULL CHECK (version > 0), digest text NOT NULL,
        bundle jsonb NOT NULL, profile jsonb, profile_note text NOT NULL DEFAULT '',
        created_at bigint NOT NULL, created_by text NOT NULL, PRIMARY KEY (model, version));
      CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '% is immutable', TG_TABLE_NAME; END $$;
      CREATE TRIGGER versions_immutable BEFORE UPDATE ON versions FOR EACH ROW EXECUTE FUNCTION refuse_change();
      CREATE TABLE served_versions (
        model text NOT NULL, version int NOT NULL, since bigint NOT NULL, PRIMARY KEY (model, version));
      CREATE TRIGGER served_versions_immutable BEFORE UPDATE OR DELETE ON served_versions
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
      CREATE FUNCTION refuse_served() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF EXISTS (SELECT FROM served_versions s WHERE s.model = OLD.model AND s.version = OLD.version)
          THEN RAISE EXCEPTION '% is immutable: it has served', TG_TABLE_NAME; END IF;
        RETURN OLD; END $$;
      CREATE TRIGGER versions_kept BEFORE DELETE ON versions FOR EACH ROW EXECUTE FUNCTION refuse_served();

      CREATE TABLE version_loads (
        model text NOT NULL, version int NOT NULL,
        state text NOT NULL CHECK (state IN ('untested', 'loaded', 'failed')),
        reason text NOT NULL, PRIMARY KEY (model, version),
        FOREIGN KEY (model, version) REFERENCES versions ON DELETE CASCADE);
      CREATE INDEX version_loads_untested ON version_loads (model, version) WHERE state = 'untested';

      CREATE TABLE artifacts (
        sha256 text PRIMARY KEY, bytes bigint NOT NULL, created_at bigint NOT NULL, created_by text NOT NULL);
      CREATE TABLE metrics (name text PRIMARY KEY, doc jsonb NOT NULL);
      CREATE TABLE endpoints (
        name text PRIMARY KEY, current jsonb NOT NULL, previous jsonb, rolled_back jsonb, unit text NOT NULL,
        timeout_ms int NOT NULL,
        created_at bigint NOT NULL, served_at bigint, retired_at bigint);

      CREATE TABLE rollouts (
        id uuid PRIMARY KEY, endpoint text NOT NULL REFERENCES endpoints, status text NOT NULL,
        settled boolean NOT NULL DEFAULT false,
        doc jsonb NOT NULL, created_at bigint NOT NULL);
      CREATE UNIQUE INDEX rollouts_one_under_way ON rollouts (endpoint) WHERE status IN ('running', 'paused');
      CREATE INDEX rollouts_unsettled ON rollouts (id) WHERE NOT settled;
      CREATE INDEX rollouts_newest ON rollouts (created_at DESC, id);

      CREATE TABLE routes (endpoint text PRIMARY KEY REFERENCES endpoints, doc jsonb NOT NULL);
      CREATE TABLE loads (key text PRIMARY KEY, doc jsonb NOT NULL, withdrawn_at bigint);
      CREATE TABLE profiles (key text PRIMARY KEY, doc jsonb NOT NULL, withdrawn_at bigint);

      CREATE TABLE evidence_latest (
        rollout_id uuid NOT NULL REFERENCES rollouts, analyser text NOT NULL, received_at bigint NOT NULL,
        doc jsonb NOT NULL, PRIMARY KEY (rollout_id, analyser)) WITH (fillfactor = 70);
      CREATE TABLE evidence_log (
        seq bigserial PRIMARY KEY, event_id uuid NOT NULL UNIQUE, rollout_id uuid NOT NULL REFERENCES rollouts,
        doc jsonb NOT NULL);
      CREATE INDEX evidence_log_by_rollout ON evidence_log (rollout_id, seq);

      CREATE TABLE audit (
        seq bigserial PRIMARY KEY, event_id uuid NOT NULL UNIQUE, aggregate text NOT NULL, n int NOT NULL,
        time bigint NOT NULL, actor text NOT NULL, role text NOT NULL,
        action text NOT NULL, reason text NOT NULL, state jsonb NOT NULL, previous_hash text NOT NULL,
        hash text NOT NULL,
        key_id text NOT NULL, signature text NOT NULL, UNIQUE (aggregate, n));
      CREATE TRIGGER audit_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

      CREATE TABLE outbox (
        id bigserial PRIMARY KEY, topic text NOT NULL, key text NOT NULL, payload text, created_at bigint NOT NULL,
        published_at bigint);
      CREATE INDEX outbox_waiting ON outbox (topic, key, id) WHERE published_at IS NULL;
      CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;

      CREATE TABLE api_keys (
        id uuid PRIMARY KEY, name text NOT NULL, role text NOT NULL, hash text NOT NULL UNIQUE,
        created_at bigint NOT NULL, revoked_at bigint);
      CREATE TABLE idempotency (
        actor text NOT NULL, key text NOT NULL, fingerprint text NOT NULL, status int, body jsonb,
        created_at bigint NOT NULL, PRIMARY KEY (actor, key));
    `);
  }

  async down(): Promise<void> {
    throw new Error('forward only');
  }
}

import { createServer, type Server } from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Version } from '@slipway/model';
import { sleep, until } from '@slipway/local';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of releases.test.ts, which the root's vitest runs
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GOOD, type Release } from '../fixtures/release.ts';

const CANARY = [{ canary: { weight: '30%', until: { requests: 1_000_000 } } }, { switch: {} }];

/** Candidates that fail on a server outside of Slipway; part of the suite of releases, on its stack. */
export function describeFailing(stack: () => Release): void {
  describe('failing candidates on an outside server', () => {
    let server: Server;
    let url: string;
    let began: number;
    /** The behaviour of an outside OIP server, request by request. */
    let behave: () => Promise<number> = async () => 200;

    beforeAll(async () => {
      began = Date.now();
      // A model server outside of Slipway: it speaks OIP, and really answers, by calling version 1.
      server = createServer((req, res) => {
        void (async () => {
          const chunks: Buffer[] = [];
          for await (const c of req) chunks.push(c as Buffer);
          const status = await behave();
          if (status === 0) return void req.socket.destroy();
          if (status !== 200)
            return void res.writeHead(status, { 'content-type': 'application/json' }).end('{"error":"it broke"}');
          const answer = await fetch(`${stack().workers[0]}/v2/models/spam/versions/1/infer`, {
            method: 'POST',
            body: Buffer.concat(chunks),
          });
          res
            .writeHead(answer.status, { 'content-type': 'application/json' })
            .end(Buffer.from(await answer.arrayBuffer()));
        })().catch(() => res.destroy());
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    });
    afterAll(async () => {
      await stack().restore();
      server?.closeAllConnections();
      server?.close();
    });

    async function foreignVersion(price: number): Promise<Version> {
      const { bundle } = await stack().viewer.versions.get({ model: 'spam', version: GOOD });
      const onnx = readFileSync(
        join(stack().folder, 'artifacts', bundle.artifact.sha256.slice(0, 2), bundle.artifact.sha256),
      );
      return stack().register(onnx, { infra: { url }, price });
    }

    it('one that answers with errors: control answers every user; it is ejected and rolled back', async () => {
      behave = async () => 500;
      const sender = stack().sender(60);
      const version = await foreignVersion(1);
      const { id } = await stack().rollOut(version.version, { steps: CANARY, guardrails: [] });
      const ended = await stack().reach(id, 'rolled back', (r) => r.status === 'rolledBack', 60_000);
      await sender.stop();
      expect(ended.reason).toContain('error_rate');
      expect(sender.failures).toEqual([]);
      expect((await stack().accountFor(sender.answers.map((a) => a.id))).missing).toEqual([]);
      const rows = await stack().query<{ reason: string; served_version: string; fallback_from: string; n: number }>(
        `SELECT reason, served_version, fallback_from, count() AS n
          FROM predictions FINAL
          WHERE rollout_id = {id:String} AND assigned_arm = 'candidate'
          GROUP BY ALL
          ORDER BY reason`,
        { id },
      );
      expect(rows.map((r) => [r.reason, r.served_version, r.fallback_from])).toEqual(
        [
          ['randomised', 'spam:1', `spam:${version.version}`],
          ['ejected', 'spam:1', `spam:${version.version}`],
        ].sort(),
      );
      expect(
        (
          await stack().query<{ c: string }>(
            `SELECT DISTINCT error_code AS c
              FROM predictions FINAL
              WHERE rollout_id = {id:String} AND fallback_from != ''
              ORDER BY c`,
            { id },
          )
        ).map((r) => r.c),
        // what control served because the candidate was ejected is an error of no arm
      ).toEqual(['', 'target_failed']);
    });

    it('one that breaks connections or does not answer in time: no user request fails', async () => {
      await stack().operator.endpoints.put({ name: 'spam' }, { model: 'spam', version: 1, timeout_ms: 1500 });
      let n = 0;
      behave = async () => {
        if (n++ % 2 === 0) return 0;
        await sleep(4000);
        return 200;
      };
      const sender = stack().sender(30);
      const { id } = await stack().rollOut((await foreignVersion(2)).version, { steps: CANARY, guardrails: [] });
      const ended = await stack().reach(id, 'rolled back', (r) => r.status === 'rolledBack', 60_000);
      await sender.stop();
      expect(sender.failures).toEqual([]);
      expect(ended.reason).toContain('error_rate');
      // It was asked, and failed in both ways; control answered these requests (and those under way when the candidate
      // was withdrawn).
      expect((await stack().accountFor(sender.answers.map((a) => a.id))).missing).toEqual([]);
      const codes = await stack().query<{ code: string; served_version: string }>(
        `SELECT DISTINCT error_code AS code, served_version
          FROM predictions FINAL
          WHERE rollout_id = {id:String} AND assigned_arm = 'candidate' AND reason = 'randomised'
            AND error_code != 'withdrawn'
          ORDER BY code`,
        { id },
      );
      expect(codes).toEqual(['no_target', 'timeout'].map((code) => ({ code, served_version: 'spam:1' })));
      await stack().operator.endpoints.put({ name: 'spam' }, { model: 'spam', version: 1, timeout_ms: 10_000 });
    });

    it('one that is slower than its margin allows: it is rolled back because of its latency', async () => {
      behave = async () => {
        await sleep(80);
        return 200;
      };
      const sender = stack().sender(100);
      await until(
        'a baseline of the control',
        async () =>
          ((
            await stack().query<{ n: number }>(
              `SELECT count() AS n
                FROM predictions FINAL
                WHERE served_version = 'spam:1' AND rollout_id = '' AND status = 200
                  AND time >= fromUnixTimestamp64Milli({began:Int64})`,
              { began },
            )
          )[0]?.n ?? 0) > 600,
      );
      const { id } = await stack().rollOut((await foreignVersion(3)).version, {
        steps: CANARY,
        guardrails: [{ metric: 'latency', maxRatio: 1.5 }],
      });
      const ended = await stack().reach(id, 'rolled back', (r) => r.status === 'rolledBack', 60_000);
      await sender.stop();
      expect(ended.reason).toContain('latency');
      const [evidence] = (await stack().operator.rollouts.evidence({ id })).items.filter(
        (e) => e.verdict === 'rollBack',
      );
      // On an overloaded machine some of its answers come too late and are errors, besides the latency.
      expect(evidence?.reasons[0]).toBe('worse:latency');
      expect(sender.failures).toEqual([]);
    });

    it('one that works is promoted like any other', async () => {
      behave = async () => 200;
      const sender = stack().sender(60);
      const { id } = await stack().rollOut((await foreignVersion(4)).version, {
        guardrails: [],
        steps: [{ canary: { weight: '30%', until: { requests: 40 } } }, { switch: {} }],
      });
      await stack().reach(id, 'promoted', (r) => r.status === 'promoted', 60_000);
      await until(
        'it to answer alone',
        async () =>
          (await stack().infer('x')).headers.get('x-slipway-version') ===
          `spam:${(await stack().operator.endpoints.get({ name: 'spam' })).current.version}`,
      );
      await sender.stop();
      expect(sender.failures).toEqual([]);
    });
  });
}

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '@slipway/local';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of clients.test.ts, which the root's vitest runs
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeBlocks } from '../fixtures/pages.ts';
import { runPython } from '../fixtures/python.ts';
import { BAD, GOOD, type Release } from '../fixtures/release.ts';
import { root } from '../fixtures/stack.ts';

const exec = promisify(execFile);

/** The pages as readers run them; part of the suite of clients, on its stack. */
export function describeDocs(stack: () => Release): void {
  let asked = '';

  /** A page as a reader would run it, on the ports of this suite. */
  function here(code: string): string {
    const port = (url: string) => new URL(url).port;
    const ports: [string, string][] = [
      ['8080', port(stack().registries[0] as string)],
      ['8000', port(stack().routers[0] as string)],
      ['8123', port(stack().clickhouse.url)],
      ['8400', port(stack().drift)],
      ['9092', stack().kafkaBrokers.split(':')[1] as string],
    ];
    return ports.reduce(
      (text, [from, to]) =>
        text.replaceAll(`localhost:${from}`, `localhost:${to}`).replaceAll(`port=${from}`, `port=${to}`),
      code,
    );
  }

  /** Runs the shell blocks of a page in one shell; reports the block in which it ended if one fails. */
  async function runShell(page: string, env: Record<string, string> = {}): Promise<string> {
    const { keys, clickhouse } = stack().secrets;
    const blocks = codeBlocks(page).filter((b) => b.language === 'sh');
    expect(blocks.length).toBeGreaterThan(0);
    // Commands are run in the suite's folder; programs of the repository are named from its root.
    const script = blocks
      .map((b) => `echo "@@ ${page}:${b.line}" >&2\n${here(b.code)}`)
      .join('\n')
      .replaceAll('examples/foreign-service', `${root}/examples/foreign-service`)
      .replaceAll('npm run --silent', `npm --prefix ${root} run --silent`);
    try {
      const { stdout } = await exec('bash', ['-euo', 'pipefail', '-c', script], {
        cwd: stack().folder,
        timeout: 120_000,
        maxBuffer: 64 * 1024 * 1024,
        env: {
          PATH: process.env['PATH'],
          HOME: process.env['HOME'],
          PYTHONPATH: join(root, '.slipway', 'cache', 'python'),
          ANALYST_PASSWORD: clickhouse.analyst,
          VIEWER_KEY: keys.viewer,
          PUBLISHER_KEY: keys.publisher,
          OPERATOR_KEY: keys.operator,
          ADMIN_KEY: keys.admin,
          ...env,
        },
      });
      return stdout;
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(
        `a command of ${page} failed, in the last block named here:\n${stderr.slice(-1500)}\n${stdout.slice(-1500)}`,
      );
    }
  }

  describe('every command of the documentation runs as written', () => {
    beforeAll(async () => {
      // data for analysts: a shadow and a canary of a good version, a shadow of a bad one
      const sender = stack().sender(80);
      const shadow = { shadow: { maxExcessDisagreement: '40%', until: { pairs: 60 }, compare: { fields: ['class'] } } };
      const good = await stack().rollOut(GOOD, {
        steps: [
          shadow,
          { canary: { weight: '30%', until: { requests: 60 } } },
          { canary: { weight: '50%', until: { requests: 1_000_000 } } },
          { switch: {} },
        ],
      });
      await stack().reach(good.id, 'in its second canary', (r) => r.step === 2);
      await stack().operator.rollouts.command({ id: good.id }, { command: 'abort', reason: 'that is enough' });
      const bad = await stack().rollOut(BAD, { steps: [shadow, { canary: { weight: '30%' } }] });
      await until(
        'differences',
        async () => (await stack().query<{ n: number }>('SELECT count() AS n FROM discrepancies'))[0]?.n !== 0,
        60_000,
      );
      await stack().operator.rollouts.command({ id: bad.id }, { command: 'abort', reason: 'that is enough' });
      await sender.stop();
      const answer = await stack().infer('what became of me?');
      asked = answer.headers.get('x-request-id') as string;
      await stack().accountFor([asked, ...sender.answers.map((a) => a.id)]);
    });

    afterAll(() => stack().restore());

    it('for services', async () => {
      const out = await runShell('docs/services.md');
      expect(out).toContain('"assigned_arm"');
      expect(out).toMatch(/\{"predictions": \d+, "outcomes": \d+/);
      await until(
        'the outcome of the page',
        async () =>
          (await stack().query("SELECT 1 FROM outcomes WHERE name = 'label' AND value = '1' AND request_id = 'my-1'"))
            .length > 0,
      );
    });

    it('for operators', async () => {
      const { bundle } = await stack().viewer.versions.get({ model: 'spam', version: 2 });
      const model = join(stack().folder, 'model.onnx');
      writeFileSync(
        model,
        Buffer.from(
          await (
            await fetch(`${stack().registries[0]}/v1/artifacts/${bundle.artifact.sha256}`, {
              headers: { authorization: `Bearer ${stack().secrets.keys.viewer}` },
            })
          ).arrayBuffer(),
        ),
      );
      const out = await runShell('docs/operators.md', { MODEL_FILE: model, REQUEST_ID: asked });
      for (const said of [
        '"status":"running"',
        `"request_id":"${asked}"`,
        '"ok":true',
        'spam at ',
        'slipway_router_requests_total',
      ])
        expect(out).toContain(said);
    });

    it('for analysts: curl, Python and Node', async () => {
      const out = await runShell('docs/analysts.md');
      expect(out).toContain('version()');
      const [python] = codeBlocks('docs/analysts.md').filter((b) => b.language === 'python');
      expect(
        await runPython('-', [], {
          input: here(python?.code ?? ''),
          env: { ANALYST_PASSWORD: stack().secrets.clickhouse.analyst },
        }).done,
      ).toMatch(/^candidate \d+\ncontrol \d+\n$/);
      const [js] = codeBlocks('docs/analysts.md').filter((b) => b.language === 'js');
      const { stdout } = await exec(process.execPath, ['--input-type=module', '-e', here(js?.code ?? '')], {
        cwd: join(root, 'test'),
        env: { ...process.env, ANALYST_PASSWORD: stack().secrets.clickhouse.analyst },
      });
      expect(stdout).toContain("served_version: 'spam:1'");
    });

    it('for analysts: each of the ten questions has an answer', async () => {
      const questions = codeBlocks('docs/analysts.md').filter((b) => b.language === 'sql');
      expect(questions).toHaveLength(10);
      for (const q of questions) {
        const response = await fetch(
          `${stack().clickhouse.analyst.replace(/\/\/[^@]+@/, '//')}/?database=slipway&default_format=JSONEachRow`,
          {
            method: 'POST',
            body: q.code,
            headers: { 'x-clickhouse-user': 'analyst', 'x-clickhouse-key': stack().secrets.clickhouse.analyst },
          },
        );
        const text = await response.text();
        expect(response.ok, `line ${q.line}: ${text}`).toBe(true);
        expect(text.trim(), `line ${q.line} has no rows`).not.toBe('');
      }
    });

    it("for analysts: Grafana's data source, as it asks over HTTP", async () => {
      const panel = codeBlocks('docs/analysts.md').find((b) => b.language === 'grafana')?.code ?? '';
      const now = Math.floor(Date.now() / 1000);
      // what the plugin makes of its macros
      const query = panel
        .replace('$__timeInterval(arrived_at)', 'toStartOfInterval(toDateTime(arrived_at), INTERVAL 60 second)')
        .replace(
          '$__timeFilter(arrived_at)',
          `arrived_at >= toDateTime(${now - 3600}) AND arrived_at <= toDateTime(${now + 60})`,
        );
      // clickhouse-go over HTTP: Native, gzip, the handshake's question first
      const native = async (sql: string) => {
        const { stdout } = await exec(
          'curl',
          [
            '-sf',
            '--compressed',
            '-H',
            'X-ClickHouse-User: analyst',
            '-H',
            `X-ClickHouse-Key: ${stack().secrets.clickhouse.analyst}`,
            `${stack().clickhouse.url}/?default_format=Native&database=slipway&enable_http_compression=1` +
              '&max_execution_time=60&client_protocol_version=54460',
            '--data-binary',
            sql,
          ],
          { encoding: 'buffer' },
        );
        return stdout.toString('latin1');
      };
      expect(await native('SELECT displayName(), version(), revision(), timezone()')).toContain('String');
      expect(await native('SHOW DATABASES')).toContain('slipway');
      expect(await native('SHOW TABLES FROM slipway')).toContain('prediction_outcomes');
      expect(await native('DESC TABLE slipway.predictions')).toContain('LowCardinality(String)');
      expect(await native(query)).toContain('spam:1');
    });
  });
}

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Problem } from '@slipway/core';
import { topics } from '@slipway/contracts';
import { until } from '@slipway/local';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of serving.test.ts, which the root's vitest runs
import { describe, expect, it } from 'vitest';
import { GOOD, type Release } from '../fixtures/release.ts';
import { servingCalls } from './serving-calls.ts';

/** State of a process: ended, or a zombie. */
function isGone(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true;
  }
}

/** Routes, versions and artifacts that are broken; part of the suite of serving, on its stack. */
export function describeVersions(stack: () => Release): void {
  const { body, post, row } = servingCalls(stack);

  describe('broken states and artifacts', () => {
    it('keeps its last valid route when an invalid one is published, and reports it', async () => {
      const producer = stack().kafka.producer();
      await producer.connect();
      await producer.send({
        topic: topics.routes.name,
        messages: [{ key: 'spam', value: '{"endpoint":"spam","control":"gone"}' }],
      });
      await producer.disconnect();
      await until(
        'the dead letter',
        async () =>
          (
            await stack().query(
              "SELECT 1 FROM dead_letters WHERE topic = 'slipway.routes.v1' AND consumer = 'router-1'",
            )
          ).length > 0,
      );
      expect((await post(body())).status).toBe(200);
    });

    it('fails with a clear 503 when no target is left, never silently', async () => {
      const worker = stack().supervisor.pid('worker-1');
      // One process for each version that it has loaded; none of them may outlive it.
      const models = readFileSync(`/proc/${worker}/task/${worker}/children`, 'utf8').trim().split(' ').map(Number);
      expect(models.every((pid) => pid > 0)).toBe(true);
      stack().supervisor.kill('worker-1', 'SIGKILL', { restart: false });
      await until('the worker to be gone', () => stack().supervisor.pid('worker-1') === undefined);
      await until("its models' processes to be gone", () => models.every(isGone));
      const response = await post(body(), { 'x-request-id': 'nobody-there' });
      expect(response.status).toBe(503);
      expect((await response.json()) as Problem).toMatchObject({
        code: 'no_target',
        detail: expect.stringContaining('no target of "spam" can answer now'),
      });
      expect(await row('nobody-there')).toMatchObject({ status: 503, served_version: '', error_code: 'no_target' });
      await stack().supervisor.startAgain('worker-1');
      await until('answers again', async () => (await post(body())).status === 200);
    });
  });

  describe('a version that cannot be loaded', () => {
    const loadable = async (version: number) =>
      (await stack().viewer.versions.get({ model: 'spam', version: version })).loadable;
    const tried = async (version: number) => {
      await until('a worker to try it', async () => (await loadable(version)).state !== 'untested');
      return loadable(version);
    };
    const goodBytes = async () => {
      const { bundle } = await stack().viewer.versions.get({ model: 'spam', version: GOOD });
      const { sha256 } = bundle.artifact;
      return readFileSync(join(stack().folder, 'artifacts', sha256.slice(0, 2), sha256));
    };
    /** The publisher gets the reason, and neither an endpoint nor a rollout accepts the version. */
    const refusedWith = async (version: number, reason: RegExp) => {
      expect(await tried(version)).toEqual({ state: 'failed', reason: expect.stringMatching(reason) });
      const asked = [
        stack().operator.endpoints.put({ name: 'other' }, { model: 'spam', version }),
        stack().rollOut(version),
      ];
      for (const refused of await Promise.allSettled(asked))
        expect((refused as { reason?: { problem: Problem } }).reason?.problem).toMatchObject({
          status: 422,
          code: 'unmet_reference',
          detail: expect.stringMatching(new RegExp(`spam:${version} cannot be loaded: .*${reason.source}`)),
        });
      await expect(stack().operator.endpoints.get({ name: 'other' })).rejects.toThrow(/there is no endpoint/);
    };

    it('is tried once by a worker, and those that can be loaded are reported as such', async () => {
      expect(await tried(GOOD)).toEqual({ state: 'loaded', reason: '' });
    });

    it('tells the publisher that its bytes are not a model', async () => {
      await refusedWith(
        (await stack().register(Buffer.from('this is no model'))).version,
        /Load model from its file failed: ?Protobuf parsing failed/,
      );
    });

    it('names the part of its signature that does not match the file', async () => {
      const signature = {
        inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1, 1] }],
        outputs: [{ name: 'probabilities', datatype: 'FP32', shape: [-1, 2] }],
      };
      const { version } = await stack().register(await goodBytes(), { signature });
      await refusedWith(version, /output "probabilities" is not in the file; the file gives "probability", "class"/);
    });

    it('names the case of its validation set whose output differs', async () => {
      const validation = [
        {
          inputs: [{ name: 'text', datatype: 'BYTES', shape: [1, 1], data: ['hello'] }],
          outputs: [{ name: 'probability', data: [0.123456], tolerance: 1e-6 }],
        },
      ];
      const { version } = await stack().register(await goodBytes(), { validation });
      await refusedWith(version, /validation case 0: output "probability" is .* where 0.123456 is expected/);
      expect((await post(body())).headers.get('x-slipway-version')).toBe('spam:1');
    });

    it('reports that the store gives bytes that do not match their digest', async () => {
      const bytes = Buffer.from(`model ${Math.random()}`);
      const sha = createHash('sha256').update(bytes).digest('hex');
      // The test damages the store before the worker reads it.
      await stack().admin.artifacts.put({ sha256: sha }, bytes);
      writeFileSync(join(stack().folder, 'artifacts', sha.slice(0, 2), sha), 'somebody was here');
      const { bundle } = await stack().viewer.versions.get({ model: 'spam', version: GOOD });
      const { version } = await stack().admin.versions.register(
        { model: 'spam' },
        {
          bundle: { ...bundle, artifact: { sha256: sha } },
        },
      );
      await refusedWith(version, new RegExp(`gave bytes with the SHA-256 [0-9a-f]{64}; the version names ${sha}`));
    });

    it('leaves nothing loaded: after its trial, a version that no route names is unloaded', async () => {
      const ready = async (version: number) =>
        (await stack().read(`${stack().workers[0]}/v2/models/spam/versions/${version}/ready`)).status;
      // This worker has loaded it: it was registered just now.
      const { version } = await stack().register(await goodBytes(), { price: Math.random() });
      expect(await tried(version)).toEqual({ state: 'loaded', reason: '' });
      await until('it to be unloaded', async () => (await ready(version)) !== 200, 30_000);
      expect(await ready(1)).toBe(200);
    });
  });

  describe('the hosts that a bundle names', () => {
    it('are refused at registration when the configuration forbids them, naming the setting', async () => {
      const onnx = Buffer.from('never loaded');
      for (const [extra, message] of [
        [
          { infra: { url: 'http://169.254.169.254/latest' } },
          'bundle.infra.url: the host "169.254.169.254" may not be called over HTTP; TARGET_HOSTS allows',
        ],
        [{ infra: { protocol: 'gopher' } }, 'bundle.infra.protocol: "gopher" is not spoken by workers; known: oip'],
        [
          { artifact: { sha256: 'a'.repeat(64), uri: 'https://models.example/m.onnx' } },
          'bundle.artifact.uri: the host "models.example" may not be called over HTTP; ARTIFACT_HOSTS allows',
        ],
      ] as const)
        await expect(stack().register(onnx, extra)).rejects.toThrow(message);
      expect((await stack().register(onnx, { infra: { url: 'http://127.0.0.1:9' } })).version).toBeGreaterThan(0);
    });
  });
}

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Loadable } from '@slipway/contracts';
import { createLogger, metrics } from '@slipway/platform';
import { afterEach, describe, expect, it } from 'vitest';
import { protocols } from '@slipway/protocol';
import { LoadedModel } from '../model/loaded-model.client.ts';
import { identity, limits, turns } from '../model/onnx-models.fixture.ts';
import type { ModelLimits } from './model-runner.client.ts';

const [oip] = protocols;

const log = createLogger('test', 'test', 'silent');
const models: LoadedModel[] = [];
afterEach(() => Promise.all(models.splice(0).map((m) => m.release())));
async function load({ bytes, spec }: { bytes: Uint8Array; spec: Loadable }, change: Partial<ModelLimits> = {}) {
  const options = { threads: 1, maxQueuedRows: 1000, limits: { ...limits, ...change }, log };
  const model = await LoadedModel.load(spec, bytes, options);
  models.push(model);
  return model;
}
async function ask(model: LoadedModel, x: number) {
  const body = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 1], data: [x] }] };
  const request = oip.decode(Buffer.from(JSON.stringify(body)), model.spec.signature, 1000);
  return (await model.infer(request)).outputs[0]?.data[0];
}
async function until<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
/** A float of this size is never reached. */
const FOR_EVER = 1e30;

describe('a model that never ends', () => {
  it('stops neither timers nor other versions; at its deadline it fails its caller, then answers again', async () => {
    const [hanging, other] = [await load(turns(), { runDeadlineMs: 1500 }), await load(identity('FP32', [-1, 1]))];
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 5);
    let done = false;
    const refused = ask(hanging, FOR_EVER).finally(() => {
      done = true;
    });
    refused.catch(() => undefined);
    let answered = 0;
    for (; !done; answered++) expect(await ask(other, answered % 1000)).toBe(answered % 1000);
    clearInterval(ticking);
    await expect(refused).rejects.toMatchObject({
      code: 'timeout',
      message: 'm:1: it did not answer within 1500 ms; its process was ended',
    });
    expect(answered).toBeGreaterThan(10);
    expect(ticks).toBeGreaterThan(10);
    await until(() => ask(hanging, 3).catch(() => undefined));
    expect(await metrics.getSingleMetricAsString('slipway_worker_model_process_ends_total')).toMatch(
      /\{model="m",version="1",reason="hung"\} [1-9]/,
    );
  });

  it('fails its whole batch at once: callers do not wait for a deadline each', async () => {
    const model = await load(turns(), { runDeadlineMs: 1500 });
    const first = ask(model, 1);
    const began = performance.now();
    const batch = await Promise.allSettled([ask(model, FOR_EVER), ask(model, 1), ask(model, 2), ask(model, 3)]);
    await first;
    expect(batch.map((b) => b.status)).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
    expect(performance.now() - began).toBeLessThan(4500);
  });
});

const linux = process.platform === 'linux';

describe("a model's process that ends", () => {
  it('is an error of that version only, and is restarted with its model warm', async () => {
    const [broken, other] = [await load(turns()), await load(identity('FP32', [-1, 1]))];
    const before = broken.pid as number;
    const running = ask(broken, FOR_EVER);
    process.kill(before, 'SIGSEGV');
    await expect(running).rejects.toMatchObject({
      code: 'target_failed',
      message: expect.stringMatching(/^m:1: its process ended with SIGSEGV/),
    });
    expect(await ask(other, 7)).toBe(7);
    await expect(ask(broken, 1)).rejects.toMatchObject({ code: 'target_failed' });
    expect(await until(() => ask(broken, 2).catch(() => undefined))).toBe(2);
    expect(broken.pid).not.toBe(before);
  });

  it('is ended when it exceeds its memory limit, with that reason', async () => {
    const model = await load(turns({ bytesATurn: 4 * 1024 ** 2 }), { memoryBytes: 400e6 });
    await expect(ask(model, FOR_EVER)).rejects.toMatchObject({
      code: 'target_failed',
      message: expect.stringMatching(/its process took \d{9,} bytes of memory; MODEL_MEMORY_BYTES is 400000000/),
    });
  });

  it.runIf(linux)('has only the environment that it is given', async () => {
    process.env['REGISTRY_KEY'] = 'a secret';
    const model = await load(identity('FP32', [-1, 1]));
    expect(readFileSync(`/proc/${model.pid}/environ`, 'utf8')).not.toContain('a secret');
  });

  it.runIf(linux)("sends nothing to the outside: ONNX Runtime's telemetry is switched off", async () => {
    const model = await load(identity('FP32', [-1, 1]));
    await ask(model, 1);
    expect(existsSync(`/tmp/mat-debug-${model.pid}.log`)).toBe(false);
  });
});

describe('a worker that is killed with -9', () => {
  it.runIf(linux)('leaves no process behind, not even one in an endless run', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'orphan-'));
    const dist = (file: string) =>
      new URL(file, import.meta.url.replace(/\/src\/(?=process\/)/, '/dist/')).href.replace(/\.ts$/, '.js');
    const { bytes, spec } = turns();
    writeFileSync(join(folder, 'model.onnx'), bytes);
    writeFileSync(
      join(folder, 'worker.mjs'),
      `import { LoadedModel } from ${JSON.stringify(dist('../model/loaded-model.client.ts'))};
       import { protocols } from ${JSON.stringify(import.meta.resolve('@slipway/protocol'))};
       const [oip] = protocols;
       const log = { info() {}, warn() {}, error() {} };
       const spec = ${JSON.stringify(spec)};
       const options = { threads: 1, maxQueuedRows: 9, limits: ${JSON.stringify(limits)}, log };
       const model = await LoadedModel.load(spec, 'model.onnx', options);
       const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 1], data: [${FOR_EVER}] }];
       void model.infer(oip.decode(Buffer.from(JSON.stringify({ inputs })), spec.signature, 9));
       setTimeout(() => process.stdout.write(String(model.pid)), 200);`,
    );
    const worker = spawn(process.execPath, ['worker.mjs'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = Number(await new Promise((resolve) => worker.stdout.once('data', (d) => resolve(String(d)))));
    await until(() => cpuTicks(pid) > 20);
    worker.kill('SIGKILL');
    await until(() => cpuTicks(pid) < 0);
    rmSync(folder, { recursive: true });
  });
});

/** State of a living process; -1 once it has ended or is a zombie. */
function cpuTicks(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return fields[0] === 'Z' || fields[0] === 'X' ? -1 : Number(fields[11]);
  } catch {
    return -1;
  }
}

import { describe, expect, it } from 'vitest';
import { Batcher, QueueFullError } from './batcher.ts';

function harness(options: { maxBatch?: number; maxQueuedRows?: number } = {}) {
  const batches: number[][] = [];
  const gates: (() => void)[] = [];
  const batcher = new Batcher<number, number>({
    maxBatch: options.maxBatch ?? 4,
    maxQueueDelayUs: 0,
    maxQueuedRows: options.maxQueuedRows ?? 100,
    clock: () => performance.now(),
    run: async (inputs) => {
      batches.push(inputs);
      await new Promise<void>((resolve) => gates.push(resolve));
      if (inputs.includes(-1)) throw new Error('this batch fails');
      return inputs.map((x) => x * 10);
    },
  });
  const next = async () => {
    while (gates.length === 0) await new Promise((resolve) => setImmediate(resolve));
    gates.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { batcher, batches, next };
}

describe('the batcher', () => {
  it('runs at once when the model is idle, and collects requests while it runs', async () => {
    const { batcher, batches, next } = harness();
    const answers = [1, 2, 3, 4, 5, 6].map((x) => batcher.submit(x, 1));
    expect(batches).toEqual([[1]]);
    await next();
    await next();
    await next();
    expect(batches).toEqual([[1], [2, 3, 4, 5], [6]]);
    const results = await Promise.all(answers);
    expect(results.map((r) => r.output)).toEqual([10, 20, 30, 40, 50, 60]);
    expect(results.map((r) => r.timing.batchSize)).toEqual([1, 4, 4, 4, 4, 1]);
    expect(results[5]?.timing.queueUs).toBeGreaterThan(0);
  });
  it('counts rows, not requests, and runs a request that is larger than a batch alone', async () => {
    const { batcher, batches, next } = harness();
    const answers = [batcher.submit(1, 1), batcher.submit(2, 3), batcher.submit(3, 2), batcher.submit(4, 9)];
    for (let i = 0; i < 4; i++) await next();
    await Promise.all(answers);
    expect(batches).toEqual([[1], [2], [3], [4]]);
  });
  it('fails only the requests that the error belongs to', async () => {
    const { batcher, next } = harness();
    const bad = batcher.submit(-1, 1);
    const good = batcher.submit(7, 1);
    const failure = expect(bad).rejects.toThrow('this batch fails');
    await next();
    await failure;
    await next();
    expect((await good).output).toBe(70);
  });
  it('refuses requests that would wait too long', async () => {
    const { batcher, next } = harness({ maxQueuedRows: 2 });
    const taken = [batcher.submit(1, 1), batcher.submit(2, 1), batcher.submit(3, 1)];
    await expect(batcher.submit(4, 1)).rejects.toThrow(QueueFullError);
    await next();
    await next();
    await Promise.all(taken);
  });

  it('runs background work only when no live request waits, and in small batches', async () => {
    const { batcher, batches, next } = harness({ maxBatch: 100 });
    const live = [1, 2].map((x) => batcher.submit(x, 1));
    const background = Array.from({ length: 20 }, (_, i) => batcher.submitBackground(100 + i, 1));
    const late = batcher.submit(3, 1);
    // 1 runs at once; 2 and 3 run before any background work
    await next();
    expect(batches).toEqual([[1], [2, 3]]);
    await next();
    expect(batches[2]).toEqual([100, 101, 102, 103, 104, 105, 106, 107]);
    // a live request overtakes the rest of the background work
    const overtaking = batcher.submit(4, 1);
    await next();
    expect(batches[3]).toEqual([4]);
    for (let i = 0; i < 3; i++) await next();
    expect((await Promise.all([...live, late, overtaking])).map((r) => r.output)).toEqual([10, 20, 30, 40]);
    expect((await Promise.all(background)).length).toBe(20);
  });

  it('sheds background work first: while more live rows wait than fit into a batch it accepts none', async () => {
    const { batcher, next } = harness({ maxBatch: 4 });
    const live = Array.from({ length: 6 }, (_, i) => batcher.submit(i, 1));
    await expect(batcher.submitBackground(99, 1)).rejects.toBeInstanceOf(QueueFullError);
    // live requests are not refused
    const another = batcher.submit(7, 1);
    for (let i = 0; i < 3; i++) await next();
    await Promise.all([...live, another]);
    const taken = batcher.submitBackground(99, 1);
    await next();
    expect((await taken).output).toBe(990);
  });
});

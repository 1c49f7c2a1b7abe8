import { describe, expect, it } from 'vitest';
import {
  CANDIDATE,
  CONTROL,
  endAfterEach,
  good,
  hangs,
  type Model,
  serve,
  startRouter,
  units,
} from './router.fixture.ts';

endAfterEach();

const p99 = (ms: number[]) => ms.sort((a, b) => a - b)[Math.floor(0.99 * ms.length)] as number;

describe('a hung candidate', () => {
  /**
   * 300 requests of control, one every 4 ms regardless of the others, while `beside` requests of the candidate hang.
   */
  async function controlsTail(candidate: Model, beside: number): Promise<number> {
    // One server for both versions: although it is shared, the router must not share anything.
    const server = await serve((req, res, n) => (req.url?.includes('versions/2') ? candidate : good)(req, res, n));
    const { ask } = await startRouter(server, server, {}, { connections: 16, waiting: 300 });
    const hung = units('candidate', beside).map((u) => ask(u));
    const timed = async (unit: string) => {
      const began = performance.now();
      expect((await ask(unit)).status).toBe(200);
      return performance.now() - began;
    };
    const times: Promise<number>[] = [];
    for (const unit of units('control', 300)) {
      times.push(timed(unit));
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    await Promise.all(hung);
    return p99(await Promise.all(times));
  }
  it('costs control nothing: its p99 beside 60 hung requests is the same as beside healthy ones', async () => {
    await controlsTail(good, 60); // warms the code up
    const healthy = await controlsTail(good, 60);
    const hung = await controlsTail(hangs, 60);
    process.stdout.write(`control's p99: ${healthy.toFixed(1)} ms, beside a hung candidate ${hung.toFixed(1)} ms\n`);
    // A request that waits behind the candidate waits for 1,800 ms.
    expect(hung).toBeLessThan(healthy + 1500);
  });
  it("is answered by control within the deadline, and at once when the candidate's queue is full", async () => {
    const router = await startRouter(await serve(good), await serve(hangs), { timeout_ms: 2000 });
    const answers = await Promise.all(
      units('candidate', 20).map(async (u) => {
        const began = performance.now();
        return { status: (await router.ask(u)).status, ms: performance.now() - began };
      }),
    );
    expect(answers.map((a) => a.status)).toEqual(answers.map(() => 200));
    expect(Math.max(...answers.map((a) => a.ms))).toBeLessThan(2000);
    const counted = (code: string) => router.rows.filter((r) => r.error_code === code).length;
    expect({ timeout: counted('timeout'), overloaded: counted('overloaded') }).toEqual({ timeout: 12, overloaded: 8 });
  });
  it('is compared fairly: an answer of control that took longer than a candidate may is marked as late', async () => {
    const after =
      (ms: number): Model =>
      (req, res, n) =>
        void setTimeout(() => good(req, res, n), ms);
    const slow = await serve(after(1600));
    const router = await startRouter(slow, slow, { timeout_ms: 2000 });
    // The candidate is given up after 1,200 ms, and there is no time left for control.
    expect([(await router.ask(CANDIDATE)).status, (await router.ask(CONTROL)).status]).toEqual([504, 200]);
    expect(router.rows.map((r) => [r.status, r.error_code])).toEqual([
      [expect.any(Number), 'timeout'],
      [200, 'late'],
    ]);
    // Both failed, and count when both arms would have failed.
    expect(router.rows.map((r) => r.settled_us)).toEqual([2_000_000, 2_000_000]);
    const quick = await startRouter(await serve(after(50)), await serve(good), { timeout_ms: 2000 });
    await quick.ask(CONTROL);
    expect(quick.rows.map((r) => r.error_code)).toEqual(['']);
  });
  it('cannot outlast its timeout by sending a body slowly', async () => {
    const drips: Model = (_, res) => {
      res.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => res.write(' '), 50);
      res.on('close', () => clearInterval(timer));
    };
    const router = await startRouter(await serve(good), await serve(drips), { timeout_ms: 2000 });
    const began = performance.now();
    expect(await router.ask(CANDIDATE)).toMatchObject({ status: 200, arm: 'spam:1' });
    expect(performance.now() - began).toBeLessThan(2000);
    expect(router.rows).toMatchObject([{ error_code: 'timeout', fallback_from: 'spam:2' }]);
  });
});

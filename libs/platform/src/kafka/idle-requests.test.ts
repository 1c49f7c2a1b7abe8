import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stopIdleChecks } from './idle-requests.client.ts';

stopIdleChecks();

/** A queue of kafkajs as a connection makes it, and what it sent. */
function startQueue() {
  const quiet = { debug: () => undefined, warn: () => undefined, namespace: () => quiet };
  const queue = new RequestQueue({
    clientId: 'test',
    broker: 'broker:9092',
    requestTimeout: 8000,
    enforceRequestTimeout: false,
    maxInFlightRequests: null,
    logger: quiet,
    isConnected: () => true,
  });
  const sent: number[] = [];
  const push = (correlationId: number) =>
    queue.push({
      entry: { correlationId, resolve: () => undefined, reject: () => undefined },
      expectResponse: true,
      sendRequest: () => void sent.push(correlationId),
    });
  return { queue, sent, push };
}

describe('the requests of a connection to Kafka', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('set no timer while none of them waits', () => {
    const { queue, sent, push } = startQueue();
    push(1);
    queue.fulfillRequest({ correlationId: 1, payload: Buffer.alloc(0), size: 0 });
    expect(sent).toEqual([1]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are sent once the broker no longer throttles them', () => {
    const { queue, sent, push } = startQueue();
    queue.maybeThrottle(500);
    push(1);
    push(2);
    vi.advanceTimersByTime(499);
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(20);
    expect(sent).toEqual([1, 2]);
    queue.fulfillRequest({ correlationId: 1, payload: Buffer.alloc(0), size: 0 });
    expect(vi.getTimerCount()).toBe(0);
  });
});

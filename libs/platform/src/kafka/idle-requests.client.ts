import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

let stopped = false;

/**
 * kafkajs 2.2.4 sets a timer of 1 ms on every connection, again and again, as soon as the connection has had its first
 * answer (https://github.com/tulios/kafkajs/issues/1704): an idle service with five connections takes 3 % of a core.
 * The timer is there for requests that wait because the broker throttles or too many are under way. Without one that
 * waits there is nothing to check, and a request that begins to wait sets the timer by itself (`push`).
 */
export function stopIdleChecks(): void {
  if (stopped) return;
  stopped = true;
  const queue = RequestQueue.prototype;
  const schedule = queue.scheduleCheckPendingRequests;
  if (typeof schedule !== 'function')
    throw new Error('this version of kafkajs has no RequestQueue.scheduleCheckPendingRequests: see idle-requests');
  queue.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this);
  };
}

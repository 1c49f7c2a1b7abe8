/** The part of kafkajs 2.2.4 that `idle-requests.client.ts` mends; kafkajs publishes no types of it. */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    constructor(options: object);
    /** Requests that wait because the broker throttles, or because too many are under way. */
    pending: unknown[];
    push(request: {
      entry: { correlationId: number; [name: string]: unknown };
      expectResponse: boolean;
      sendRequest: () => void;
    }): void;
    fulfillRequest(response: { correlationId: number; payload: Buffer; size: number }): void;
    /** @param ms for which the broker asks to be left alone */
    maybeThrottle(ms: number): void;
    scheduleCheckPendingRequests(): void;
  }
}

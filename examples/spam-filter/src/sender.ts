import { randomUUID } from 'node:crypto';
import { type RouterClient, routerClient } from '@slipway/client';
import { Agent, request } from 'undici';
import type { Mail } from './corpus.ts';

export type SenderCounters = {
  sent: number;
  answered: number;
  failed: number;
  byVersion: Record<string, number>;
  outcomesPosted: number;
  outcomesFailed: number;
};

/** Outcomes are not urgent: those of this many milliseconds are posted together, up to the given number. */
const TOGETHER_MS = 200;
const MOST_TOGETHER = 100;

/**
 * A service that asks the router about every mail at a steady rate, and posts the true label as the outcome a little
 * later. It repeats the mails endlessly, alternating between the routers.
 */
export class Sender {
  readonly counters: SenderCounters = {
    sent: 0,
    answered: 0,
    failed: 0,
    byVersion: {},
    outcomesPosted: 0,
    outcomesFailed: 0,
  };
  /** Request ids that were answered, with the version and the time of each. */
  readonly answers: { id: string; version: string; at: number }[] = [];
  readonly failures: { at: number; status: number; detail: string }[] = [];
  /** Prefix of its request ids, to distinguish them from those of others. */
  readonly idPrefix = `mail-${randomUUID().slice(0, 8)}-`;
  private readonly agent = new Agent({ connections: 64, pipelining: 1 });
  private timer: NodeJS.Timeout | undefined;
  private stopped: Promise<void> | undefined;
  private next = 0;
  private due = 0;
  private last = 0;
  private posted = 0;
  private inFlight = 0;
  private readonly router: RouterClient;
  private outcomes: { event_id: string; endpoint: string; name: string; value: number; request_id: string }[] = [];
  private readonly waiting = new Set<NodeJS.Timeout>();
  private readonly options: {
    routers: string[];
    endpoint: string;
    mails: readonly Mail[];
    perSecond: number;
    labelDelayMs: number;
    /** An API key, for routers that need one. */
    key?: string;
    remember?: boolean;
  };

  constructor(options: Sender['options']) {
    this.options = options;
    this.router = routerClient({ url: options.routers, ...(options.key === undefined ? {} : { key: options.key }) });
  }

  start(): void {
    this.last = performance.now();
    this.timer = setInterval(() => this.tick(), 10);
  }

  setRate(perSecond: number): void {
    this.options.perSecond = perSecond;
  }

  /** Continues with other mails. */
  turnTo(mails: readonly Mail[]): void {
    this.options.mails = mails;
  }

  private tick(): void {
    const now = performance.now();
    this.due = Math.min(this.due + ((now - this.last) / 1000) * this.options.perSecond, this.options.perSecond);
    this.last = now;
    for (; this.due >= 1; this.due--) void this.send();
    if (this.outcomes.length > MOST_TOGETHER || (this.outcomes.length > 0 && now - this.posted >= TOGETHER_MS)) {
      this.posted = now;
      void this.post(this.outcomes.splice(0));
    }
  }

  private headers(): Record<string, string> {
    const { key } = this.options;
    return { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) };
  }

  private async send(): Promise<void> {
    const { mails, routers, endpoint } = this.options;
    const n = this.next++;
    const mail = mails[n % mails.length] as Mail;
    this.counters.sent++;
    this.inFlight++;
    try {
      const { statusCode, headers, body } = await request(
        `${routers[n % routers.length]}/v2/models/${endpoint}/infer`,
        {
          method: 'POST',
          dispatcher: this.agent,
          headers: { ...this.headers(), 'x-request-id': `${this.idPrefix}${n}` },
          body: JSON.stringify({ inputs: [{ name: 'text', datatype: 'BYTES', shape: [1, 1], data: [mail.text] }] }),
        },
      );
      const text = await body.text();
      if (statusCode !== 200) throw Object.assign(new Error(text.slice(0, 300)), { status: statusCode });
      const version = String(headers['x-slipway-version']);
      this.counters.answered++;
      if (this.options.remember) this.answers.push({ id: String(headers['x-request-id']), version, at: Date.now() });
      this.counters.byVersion[version] = (this.counters.byVersion[version] ?? 0) + 1;
      const timer = setTimeout(() => {
        this.waiting.delete(timer);
        this.outcomes.push({
          event_id: randomUUID(),
          endpoint,
          name: 'label',
          value: mail.label,
          request_id: String(headers['x-request-id']),
        });
      }, this.options.labelDelayMs);
      this.waiting.add(timer);
    } catch (error) {
      this.counters.failed++;
      if (this.failures.length < 100)
        this.failures.push({
          at: Date.now(),
          status: (error as { status?: number }).status ?? 0,
          detail: (error as Error).message,
        });
    } finally {
      this.inFlight--;
    }
  }

  private async post(outcomes: Sender['outcomes']): Promise<void> {
    this.inFlight++;
    try {
      // Each has an id of its own, so an outcome that is posted twice counts once.
      await this.router.outcomes.post({ outcomes }, { attempts: 6 });
      this.counters.outcomesPosted += outcomes.length;
    } catch {
      this.counters.outcomesFailed += outcomes.length;
    } finally {
      this.inFlight--;
    }
  }

  /** Stops sending, and waits for every answer and for the outstanding labels. */
  stop(): Promise<void> {
    this.stopped ??= this.finish();
    return this.stopped;
  }

  private async finish(): Promise<void> {
    clearInterval(this.timer);
    while (this.inFlight > 0 || this.waiting.size > 0 || this.outcomes.length > 0) {
      if (this.outcomes.length > 0) void this.post(this.outcomes.splice(0));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await this.agent.close();
  }
}

import { formatRevision } from '@slipway/core';
import { type Route, routeSchema } from '@slipway/contracts';
import {
  AUDIT_GENESIS,
  type AuditKeys,
  type AuditRow,
  auditHash,
  chainFault,
  signatureFault,
} from '@slipway/contracts';

const PREFIX = 'route/';
const OTHER_CONTENT = 'its content does not have its hash';

/**
 * Rebuilds every route at any instant from the audit rows alone, in the order in which `audit.v1` carries them for each
 * aggregate. Every row is checked against its hash chain: a row that does not fit is listed in `broken` and ignored.
 * When keys are given, a row that none of them has signed is listed in `unsigned` and ignored.
 */
export class RouteReplay {
  readonly broken: { aggregate: string; n: number; why: string }[] = [];
  readonly unsigned: { aggregate: string; n: number; why: string }[] = [];
  rows = 0;
  private readonly keys: AuditKeys | undefined;
  private readonly tails = new Map<string, { n: number; hash: string }>();
  private readonly published = new Map<string, { at: number; route: Route | null }[]>();

  /** @param keys current and earlier signing keys; without them signatures are not checked */
  constructor(keys?: AuditKeys) {
    this.keys = keys;
  }

  apply(row: AuditRow): void {
    const forged = this.keys && (auditHash(row) === row.hash ? signatureFault(row, this.keys) : OTHER_CONTENT);
    if (forged) {
      this.unsigned.push({ aggregate: row.aggregate, n: row.n, why: forged });
      return;
    }
    const tail = this.tails.get(row.aggregate) ?? { n: 0, hash: AUDIT_GENESIS };
    // The outbox may send a row twice.
    if (row.n <= tail.n) return;
    this.rows++;
    const why = chainFault(tail, row);
    this.tails.set(row.aggregate, { n: row.n, hash: row.hash });
    if (why) {
      this.broken.push({ aggregate: row.aggregate, n: row.n, why });
      return;
    }
    if (!row.aggregate.startsWith(PREFIX)) return;
    const endpoint = row.aggregate.slice(PREFIX.length);
    const published = this.published.get(endpoint) ?? [];
    this.published.set(endpoint, published);
    if (row.action === 'withdraw') {
      published.push({ at: row.time, route: null });
      return;
    }
    const parsed = routeSchema.safeParse(row.state);
    if (!parsed.success) {
      this.broken.push({
        aggregate: row.aggregate,
        n: row.n,
        why: `its state is not a route: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`,
      });
      return;
    }
    published.push({ at: row.time, route: parsed.data });
  }

  endpoints(): string[] {
    return [...this.published.keys()].sort();
  }

  /**
   * The route in force at an instant, in milliseconds since the epoch by the registry's clock; undefined when the
   * endpoint was deleted or retired.
   */
  at(endpoint: string, time: number): Route | undefined {
    const last = this.published
      .get(endpoint)
      ?.filter((p) => p.at <= time)
      .at(-1);
    return last?.route ?? undefined;
  }

  /** @param revision `epoch.n`, as prediction rows carry it */
  atRevision(endpoint: string, revision: string): Route | undefined {
    const found = this.published.get(endpoint)?.find((p) => p.route && formatRevision(p.route.revision) === revision);
    return found?.route ?? undefined;
  }
}

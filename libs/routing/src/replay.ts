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
 * aggregate. Every row is checked against its chain: what does not fit is named in `broken` and is not used. With the
 * keys of the audit, what none of them has signed is named in `unsigned` and counts as not there.
 */
export class RouteReplay {
  readonly broken: { aggregate: string; n: number; why: string }[] = [];
  readonly unsigned: { aggregate: string; n: number; why: string }[] = [];
  rows = 0;
  private readonly keys: AuditKeys | undefined;
  private readonly tails = new Map<string, { n: number; hash: string }>();
  private readonly published = new Map<string, { at: number; route: Route | null }[]>();

  /** @param keys those that sign or have signed; without them no signature is checked */
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
        why: `its state is no route: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`,
      });
      return;
    }
    published.push({ at: row.time, route: parsed.data });
  }

  endpoints(): string[] {
    return [...this.published.keys()].sort();
  }

  /**
   * The route in force at an instant, in milliseconds since the epoch by the registry's clock; none where the endpoint
   * was deleted or retired.
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

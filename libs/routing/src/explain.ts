import type { AuditRow, Explanation } from '@slipway/contracts';
import { CONTROL } from '@slipway/core';
import { candidatesOf, nameOfArm, type Rollout } from '@slipway/release';

export type ServedRow = {
  request_id: string;
  endpoint: string;
  time: string;
  served_version: string;
  fallback_from: string;
  assigned_arm: string;
  probability: number;
  reason: string;
  route_revision: string;
  rollout_id: string;
  step: number;
  unit: string;
  status: number;
  error_code: string;
  latency_us: number;
  router: string;
  source: string;
  trace_id: string;
  shadow_rollout_id: string;
};

const WHY: Record<string, string> = {
  randomised: 'its unit was randomised to this arm',
  forced: "an operator's key forced the version",
  rule: 'no rollout was giving traffic to a candidate',
  no_unit: 'it named no unit, so control served it',
  lease_expired: 'the router had been without contact with Kafka for longer than its lease, so control served it',
  withdrawn: "its unit's candidate had been withdrawn, so control served it",
  ejected: "every target of the arm's version was ejected, so control served it",
};
const BESIDE_EJECTED =
  'its unit was randomised to this arm; every target of a candidate was ejected then, ' +
  "so it counts for no arm's errors";

/** What the registry has recorded about the route under which a request was served. */
export type Origin = {
  /** When that route was published, in milliseconds since the epoch. */
  at: number;
  /** The rollout of the row; outside a rollout, the rollout whose promotion made the version serve. */
  rollout: Rollout | undefined;
  /** The audit rows of that rollout, in order. */
  history: readonly AuditRow[];
  /** Outside a rollout: how the version came to serve. */
  placed: { action: string; by: string; version: string; reason: string; time: number } | null;
};

/** Commands that let a candidate continue. Starting, pausing and resuming are not approvals. */
const APPROVALS: ReadonlySet<string> = new Set(['approve', 'promote']);

/**
 * Explains a request: which version served it and why, by the row, the rollout that let the version serve, its
 * approvals, and the evidence. Pure.
 */
export function explain(row: ServedRow, { at: since, rollout, history, placed }: Origin): Explanation {
  const at = Date.parse(`${row.time.replace(' ', 'T')}Z`);
  const before = history.filter((h) => h.time <= since);
  const people = before.filter((h) => h.role !== 'system');
  const into = row.rollout_id
    ? before.filter((h) => (h.state as Partial<Rollout>).step === row.step && h.action === 'advance').at(-1)
    : before.filter((h) => h.action === 'advance').at(-1);
  const arm = row.assigned_arm === CONTROL ? CONTROL : nameOfArm(row.assigned_arm);
  const entered = (into?.state ?? {}) as Partial<Rollout>;
  const said = (h: AuditRow) => ({ actor: h.actor, role: h.role, action: h.action, reason: h.reason, time: h.time });
  const brought =
    placed?.action === 'promote'
      ? `; ${placed.by} had promoted ${placed.version}`
      : placed?.action === 'rollBack'
        ? `; ${placed.by} had rolled back to it`
        : '';
  const fallback = row.fallback_from ? `; ${row.fallback_from} could not answer` : '';
  const beside = row.reason === 'ejected' && row.fallback_from === '';
  return {
    request_id: row.request_id,
    endpoint: row.endpoint,
    time: at,
    version: row.served_version,
    arm: row.assigned_arm,
    probability: row.probability,
    reason: row.reason,
    route_revision: row.route_revision,
    unit: row.unit,
    status: row.status,
    error_code: row.error_code,
    fallback_from: row.fallback_from,
    latency_us: row.latency_us,
    served_by: row.router || row.source,
    trace_id: row.trace_id,
    shadowed_by: row.shadow_rollout_id || null,
    rollout: rollout
      ? {
          id: rollout.id,
          step: row.rollout_id ? row.step : null,
          candidates: [...candidatesOf(rollout.spec)],
          control: rollout.control,
          status_now: rollout.status,
        }
      : null,
    placed_by: placed,
    approved_by: people.filter((h) => APPROVALS.has(h.action)).map(said),
    commands: people.map(said),
    evidence:
      into && entered.evidence_id ? { event_id: entered.evidence_id, sentence: into.reason, time: into.time } : null,
    sentence:
      `${row.served_version || 'Nothing'} answered ${row.request_id} for ` +
      `${arm}${row.rollout_id ? ` in step ${row.step} of rollout ${row.rollout_id}` : ''} (probability ` +
      `${row.probability}, revision ${row.route_revision}), because ` +
      `${beside ? BESIDE_EJECTED : (WHY[row.reason] ?? row.reason)}${fallback}${brought}.`,
  };
}

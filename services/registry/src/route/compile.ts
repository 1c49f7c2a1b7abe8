import { formatVersion, durationMs, type UnitKind, type VersionRef } from '@slipway/core';
import { hostAllowed, type Version } from '@slipway/model';
import { type Route, type Target } from '@slipway/contracts';
import { type Rollout, isUnderWay, stepAt } from '@slipway/release';

export type RouteInput = {
  endpoint: { name: string; current: VersionRef; previous: VersionRef | null; unit: UnitKind; timeout_ms: number };
  /** The rollout that is under way, if any. */
  rollout: Rollout | null;
  /** Every version that is named above, by `model:version`. */
  versions: ReadonlyMap<string, Version>;
  /** Live addresses on which a version is warm. */
  addressesOf: (version: Version) => string[];
  /** Live addresses that may have the version (again) in a moment: they do not say that they cannot load it. */
  mayReturn: (version: Version) => string[];
  /** The addresses that the route has now: kept when no live one is known, since they may come back. */
  before: Route | null;
  leaseMs: number;
  /** Hosts of `infra.url` that requests may go to; a version elsewhere has no address. */
  targetHosts: readonly string[];
  outcomeNames: readonly string[];
};

/** The route that follows from the state of the control plane. Pure; without revision and time. */
export function compileRoute(input: RouteInput): Omit<Route, 'revision' | 'published_at'> {
  const { endpoint, rollout } = input;
  const active = rollout && isUnderWay(rollout.status) ? rollout : null;
  const must = (ref: VersionRef): Version => {
    const version = input.versions.get(formatVersion(ref));
    if (!version) throw new Error(`the version ${formatVersion(ref)} is not known`);
    return version;
  };
  const current = must(endpoint.current);
  const candidate = active ? must(active.spec.candidate) : null;
  const wanted = [current, candidate, endpoint.previous ? must(endpoint.previous) : null].filter((v) => v !== null);
  const target = (version: Version): Target => ({
    model: version.model,
    version: version.version,
    addresses: addresses(version, input),
    workers: version.bundle.infra.url === undefined,
  });
  return {
    endpoint: endpoint.name,
    unit: active ? active.spec.unit : endpoint.unit,
    control: target(current),
    candidate: candidate ? target(candidate) : null,
    rollout:
      active && active.weight > 0 ? { id: active.id, step: active.step, weight: active.weight, salt: active.id } : null,
    shadow: shadowOf(active),
    lease_ms: input.leaseMs,
    timeout_ms: endpoint.timeout_ms,
    signature: current.bundle.signature,
    prices: Object.fromEntries(wanted.map((v) => [formatVersion(v), v.bundle.price])),
    outcome_names: [...input.outcomeNames],
  };
}

/** What is sampled while a step that samples is active; a paused rollout samples nothing. */
function shadowOf(rollout: Rollout | null): Route['shadow'] {
  if (rollout?.status !== 'running' || rollout.visits.at(-1)?.phase !== 'active') return null;
  const sampling = stepAt(rollout.spec, rollout.step)?.sampling;
  if (!sampling) return null;
  const { sample, noise, deadline } = sampling;
  return {
    rollout_id: rollout.id,
    step: rollout.step,
    sample,
    noise,
    deadline_ms: durationMs(deadline),
    salt: `${rollout.id}/shadow`,
  };
}

function addresses(version: Version, { addressesOf, mayReturn, before, targetHosts }: RouteInput): string[] {
  const { url } = version.bundle.infra;
  if (url) return hostAllowed(targetHosts, url) ? [url] : [];
  const warm = addressesOf(version);
  const same = [before?.control, before?.candidate].find(
    (t) => t && t.model === version.model && t.version === version.version,
  );
  if (warm.length === 0) return same?.addresses ?? [];
  // A worker that has just restarted keeps its place: routers eject it until it is warm, and find it again by
  // themselves. Were it left out meanwhile, the death of another one would leave a route without anybody alive.
  const returning = mayReturn(version).filter((a) => same?.addresses.includes(a) && !warm.includes(a));
  return [...warm, ...returning].sort();
}

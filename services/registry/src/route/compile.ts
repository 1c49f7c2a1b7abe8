import { CONTROL, durationMs, formatVersion, toNineDigits, type UnitKind, type VersionRef } from '@slipway/core';
import { hostAllowed, type Version } from '@slipway/model';
import { type Branch, type Route, type RouteArm, type ShadowSampling, type Target } from '@slipway/contracts';
import { candidateShares, candidatesOf, type Rollout, isUnderWay, stepAt } from '@slipway/release';
import { targetsOf } from '@slipway/routing';

export type RouteInput = {
  endpoint: { name: string; current: VersionRef; unit: UnitKind; timeout_ms: number };
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
  /** Hosts of `infra.url` that may be called; a version elsewhere has no address. */
  targetHosts: readonly string[];
  outcomeNames: readonly string[];
};

/** The route that follows from the state of the control plane, without revision and time. Pure. */
export function compileRoute(input: RouteInput): Omit<Route, 'revision' | 'published_at'> {
  const { endpoint, rollout } = input;
  const active = rollout && isUnderWay(rollout.status) ? rollout : null;
  const must = (ref: VersionRef): Version => {
    const version = input.versions.get(formatVersion(ref));
    if (!version) throw new Error(`the version ${formatVersion(ref)} is not known`);
    return version;
  };
  const current = must(endpoint.current);
  const target = (version: Version): Target => ({
    model: version.model,
    version: version.version,
    addresses: addresses(version, input),
    protocol: version.bundle.infra.protocol,
    workers: version.bundle.infra.url === undefined,
    price: version.bundle.price,
  });
  const control = target(current);
  const main: Branch = {
    name: 'main',
    unit: active ? active.spec.unit : endpoint.unit,
    signature: current.bundle.signature,
    target: control,
    rollout: active && {
      id: active.id,
      step: active.step,
      salt: active.id,
      arms: armsOf(active, control, (ref) => target(must(ref))),
      shadow: shadowOf(active),
    },
  };
  return {
    endpoint: endpoint.name,
    branches: [main],
    lease_ms: input.leaseMs,
    timeout_ms: endpoint.timeout_ms,
    outcome_names: [...input.outcomeNames],
  };
}

/** Control, and every candidate with its share. */
function armsOf(rollout: Rollout, control: Target, targetOf: (ref: VersionRef) => Target): RouteArm[] {
  const candidates = candidateShares(rollout).map(
    ({ name, share, withdrawn, ...ref }): RouteArm =>
      withdrawn ? { name, target: control, share, withdrawn } : { name, target: targetOf(ref), share },
  );
  const left = candidates.reduce((rest, { share }) => rest - share, 1);
  // Shares have nine digits; of one candidate control has exactly what that leaves.
  const share = candidates.length === 1 ? left : toNineDigits(left);
  return [{ name: CONTROL, target: control, share }, ...candidates];
}

/** The shadow, while a step that samples is active; a paused rollout samples nothing. */
function shadowOf(rollout: Rollout): ShadowSampling | null {
  if (rollout.status !== 'running' || rollout.visits.at(-1)?.phase !== 'active') return null;
  const sampling = stepAt(rollout.spec, rollout.step)?.sampling;
  if (!sampling) return null;
  const [candidate] = candidatesOf(rollout.spec);
  if (!candidate) return null;
  const { sample, noise, deadline } = sampling;
  return {
    arm: candidate.name,
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
  const same = before && targetsOf(before).find((t) => t.model === version.model && t.version === version.version);
  if (warm.length === 0) return same?.addresses ?? [];
  // A worker that has just restarted stays in the route: routers eject it until it is warm, and detect that themselves.
  // If it were left out meanwhile, the end of another one would leave a route without any live address.
  const returning = mayReturn(version).filter((a) => same?.addresses.includes(a) && !warm.includes(a));
  return [...warm, ...returning].sort();
}

import { compareRevisions, formatVersion } from '@slipway/core';
import { type CandidateWorld, remainingCandidates, type World } from '@slipway/release';
import type { LiveInstances } from '../instance/live-instances.ts';
import type { Scene, Standing } from './scene.store.ts';

/**
 * What a decision needs to know of workers and routers.
 *
 * @param known whether this registry knows who is alive
 */
export function worldOf({ rollout, route, versions }: Scene, instances: LiveInstances, known: boolean): World {
  const warm = (v: Standing | undefined) =>
    v && known ? instances.addressesOf(v.model, v.version, v.digest).length : 0;
  const control = versions.get(formatVersion(rollout.control));
  const controlWarm = control?.url ? 1 : warm(control);
  const candidates: Record<string, CandidateWorld> = {};
  for (const { name, ...ref } of remainingCandidates(rollout)) {
    const candidate = versions.get(formatVersion(ref));
    const failures = known && candidate ? instances.failures(candidate.model, candidate.version, candidate.digest) : [];
    candidates[name] = {
      capacity: {
        candidateWarm: candidate?.url ? Number.POSITIVE_INFINITY : warm(candidate),
        controlWarm,
        able: known ? instances.workers().length - failures.length : 0,
      },
      failure: candidate?.state === 'failed' ? candidate.reason : failures[0]?.error,
    };
  }
  const { endpoint } = rollout.spec;
  return {
    candidates,
    routersFollow:
      known &&
      route !== null &&
      instances.routers().length > 0 &&
      instances.routers().every((r) => compareRevisions(r.applied[endpoint] ?? { epoch: 0, n: 0 }, route) >= 0),
  };
}

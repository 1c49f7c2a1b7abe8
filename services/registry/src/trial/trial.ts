import { formatVersion, ProblemError } from '@slipway/core';
import { type Instance } from '@slipway/contracts';
import { type LoadTrial, type Version } from '@slipway/model';

/** The result of the first load of a version as reported by live workers; null while there is nothing new. Pure. */
export function trialOf(
  version: { model: string; version: number; digest: string },
  workers: readonly Pick<Instance, 'versions'>[],
): LoadTrial | null {
  const said = workers.flatMap((w) =>
    w.versions.filter((v) => v.model === version.model && v.version === version.version && v.digest === version.digest),
  );
  if (said.some((v) => v.state === 'warm')) return { state: 'loaded', reason: '' };
  const failed = said.find((v) => v.state === 'failed');
  if (failed) return { state: 'failed', reason: failed.error ?? 'the worker gave no reason' };
  const waiting = said.find((v) => v.error !== undefined);
  return waiting ? { state: 'untested', reason: waiting.error as string } : null;
}

/** @throws ProblemError unmet_reference with the reason, when the version could not be loaded */
export function checkLoadable(field: string, version: Version): void {
  if (version.loadable.state !== 'failed') return;
  const message = `${formatVersion(version)} cannot be loaded: ${version.loadable.reason}`;
  throw new ProblemError('unmet_reference', `${field}: ${message}`, { errors: [{ field, message }] });
}

import type { Loadable } from '@slipway/contracts';
import type { Version } from '@slipway/model';

/** What a worker needs to load a version. @param bases URLs of the registries, which have the artifacts */
export function loadable(v: Version, bases: readonly string[]): Loadable {
  const { bundle } = v;
  return {
    model: v.model,
    version: v.version,
    digest: v.digest,
    artifact: {
      sha256: bundle.artifact.sha256,
      uris: bundle.artifact.uri
        ? [bundle.artifact.uri]
        : bases.map((b) => `${b}/v1/artifacts/${bundle.artifact.sha256}`),
    },
    signature: bundle.signature,
    preprocessing: bundle.preprocessing,
    validation: bundle.validation,
    max_batch: bundle.infra.max_batch,
    max_queue_delay_us: bundle.infra.max_queue_delay_us,
  };
}

/** Workers load every version except those that a publisher's server serves, and those that could not be loaded. */
export function workersLoad(v: Version): boolean {
  return !v.bundle.infra.url && v.loadable.state !== 'failed';
}

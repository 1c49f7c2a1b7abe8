import type { LoadedVersion } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import type { Host, ModelFacts } from '@slipway/protocol';
import type { LoadedModel } from '../model/loaded-model.client.ts';

/** The versions that are loaded in this worker. */
export interface Loaded {
  /** @throws ProblemError unknown_version */
  get(model: string, version: number): Pick<LoadedModel, 'spec' | 'provider'>;
  versions(): LoadedVersion[];
}

/** The metadata of a worker and its versions, for every protocol. */
export class WorkerHost implements Host {
  readonly name = 'slipway-inference-worker';
  readonly version = '0.1.0';
  private readonly models: Loaded;
  constructor(models: Loaded) {
    this.models = models;
  }

  ready(): boolean {
    return true;
  }

  model(name: string, version: string | undefined): ModelFacts {
    const { spec, provider } = this.models.get(name, numberOf(version));
    return {
      name: spec.model,
      versions: [String(spec.version)],
      signature: spec.signature,
      parameters: { execution_provider: provider, digest: spec.digest },
    };
  }

  modelReady(name: string, version: string | undefined): boolean {
    const wanted = numberOf(version);
    return this.models.versions().some((v) => v.model === name && v.version === wanted && v.state === 'warm');
  }
}

/** @throws ProblemError not_found without a version: a worker serves versions, not endpoints */
export function numberOf(version: string | undefined): number {
  if (version === undefined) throw new ProblemError('not_found', 'name a version: this is a worker, not a router');
  return Number(version);
}

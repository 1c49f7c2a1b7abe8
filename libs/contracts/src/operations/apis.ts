import type { Api } from '../rest/operation.ts';
import { artifacts } from './artifacts.ts';
import { assignments } from './assignments.ts';
import { audit } from './audit.ts';
import { drift } from './drift.ts';
import { endpoints } from './endpoints.ts';
import { keys } from './keys.ts';
import { metrics } from './metrics.ts';
import { models, versions } from './models.ts';
import { outcomes } from './outcomes.ts';
import { requests } from './requests.ts';
import { rebuilds, results } from './results.ts';
import { rollouts } from './rollouts.ts';
import { trials } from './trials.ts';

/**
 * The REST API of each service. A new resource is one line here. A service that serves other operations does not start.
 */
export const registryApi = {
  models,
  versions,
  trials,
  artifacts,
  endpoints,
  metrics,
  rollouts,
  audit,
  requests,
  keys,
} satisfies Api;

/** Besides the Open Inference Protocol. */
export const routerApi = { outcomes, assignments } satisfies Api;

/** Common to all analysers. */
export const analyserApi = { results } satisfies Api;
export const statsApi = { ...analyserApi, rebuilds } satisfies Api;
export const driftApi = { ...analyserApi, drift } satisfies Api;

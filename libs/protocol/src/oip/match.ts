import { ProblemError } from '@slipway/core';
import type { Match } from '../interface/protocol.ts';

/**
 * `/v2/models/{model}[/versions/{version}][/infer|/ready]`, `/v2`, `/v2/health/live` and `/v2/health/ready`: the paths
 * of the Open Inference Protocol, version 2, over REST.
 */
const MODEL = /^\/v2\/models\/([^/?]+)(?:\/versions\/([^/?]+))?(?:\/(infer|ready))?(?:\?|$)/;
const SERVER = /^\/v2(?:\/health\/(live|ready))?(?:\?|$)/;
const OURS = /^\/v2(?:[/?]|$)/;

/**
 * The operation that a request asks for; undefined when the path belongs to another protocol.
 * @param url path and query
 */
export function match(method: string, url: string): Match | undefined {
  const path = MODEL.exec(url);
  if (!path) return OURS.test(url) ? aboutServer(method, url) : undefined;
  const operation = path[3] === 'infer' ? 'infer' : path[3] === 'ready' ? 'modelReady' : 'model';
  const wanted = operation === 'infer' ? ['POST'] : ['GET', 'HEAD'];
  if (!wanted.includes(method)) return wrongMethod(method, wanted.join(', '));
  const endpoint = decoded(path[1] as string);
  const version = path[2] === undefined ? undefined : decoded(path[2]);
  if (endpoint === undefined || (path[2] !== undefined && version === undefined))
    return refused(new ProblemError('invalid_request', `the path cannot be decoded: "${pathOf(url)}"`));
  return operation === 'infer' ? { operation, task: 'infer', endpoint, version } : { operation, endpoint, version };
}

function aboutServer(method: string, url: string): Match {
  const path = SERVER.exec(url);
  if (!path) return refused(new ProblemError('not_found', `there is no ${pathOf(url)}`));
  if (method !== 'GET' && method !== 'HEAD') return wrongMethod(method, 'GET, HEAD');
  return { operation: path[1] === 'live' ? 'live' : path[1] === 'ready' ? 'ready' : 'server' };
}

const pathOf = (url: string) => url.split('?', 1)[0] as string;
const refused = (problem: ProblemError, headers?: Record<string, string>): Match => ({
  operation: 'refused',
  problem,
  ...(headers ? { headers } : {}),
});

function wrongMethod(method: string, allow: string): Match {
  return refused(new ProblemError('method_not_allowed', `this path allows ${allow}, not ${method}`), { allow });
}

/** One path segment, decoded; undefined when its percent-escapes are not UTF-8. */
function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

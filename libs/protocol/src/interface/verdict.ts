import type { Verdict } from './protocol.ts';

/**
 * What an HTTP status says of an answer, in every protocol over HTTP. 404 is `missing`: the route says that the target
 * serves the version, so it has started anew and is still loading. 401 and 403 are `barred`: nothing of the caller's
 * own credentials goes there. 503 is `busy`: a queue that is full, and no model that is broken.
 */
export function statusVerdict(status: number): Verdict {
  if (status < 300) return 'answered';
  if (status === 404) return 'missing';
  if (status === 401 || status === 403) return 'barred';
  if (status === 503) return 'busy';
  return status >= 400 && status < 500 ? 'answered' : 'failed';
}

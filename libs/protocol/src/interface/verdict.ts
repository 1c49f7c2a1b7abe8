import type { Verdict } from './protocol.ts';

/**
 * Statuses below 500 that are no answer of a model. A caller's request can be at fault for what its body says, and for
 * nothing else: method, path, headers and credentials of what a target gets are ours. So a target that does not take
 * those (405, 415 and the like) does not speak the protocol, and has failed.
 */
const NO_ANSWER: Readonly<Record<number, Verdict>> = {
  ...each('missing', 404, 410),
  ...each('barred', 401, 403, 407),
  ...each('busy', 429, 503),
  ...each('failed', 405, 406, 408, 411, 412, 414, 415, 416, 417, 421, 425, 426, 428, 431),
};

function each(verdict: Verdict, ...statuses: number[]): Record<number, Verdict> {
  return Object.fromEntries(statuses.map((status) => [status, verdict]));
}

/** What an HTTP status says of an answer, in every protocol over HTTP. */
export function statusVerdict(status: number): Verdict {
  if (status < 300) return 'answered';
  return NO_ANSWER[status] ?? (status >= 400 && status < 500 ? 'answered' : 'failed');
}

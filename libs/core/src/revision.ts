import { z } from 'zod';

/**
 * Order of states on a compacted topic: (epoch, n). `n` counts the changes of one aggregate. `epoch` is raised when the
 * registry finds that a topic is ahead of its database (after a restore), so that its new states supersede the old
 * ones.
 */
export const revisionSchema = z.object({ epoch: z.int().nonnegative(), n: z.int().nonnegative() });
export type Revision = z.infer<typeof revisionSchema>;

/** Negative when `a` is older than `b`, 0 when equal, positive when newer. */
export function compareRevisions(a: Revision, b: Revision): number {
  return a.epoch - b.epoch || a.n - b.n;
}

/** `epoch.n`, as printed in rows and headers. */
export function formatRevision(r: Revision): string {
  return `${r.epoch}.${r.n}`;
}

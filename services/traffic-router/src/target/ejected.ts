import type { Route } from '@slipway/contracts';
import { armsOf, type Ejections } from '@slipway/routing';

/** The ejected targets of an endpoint, each once, with the milliseconds since. */
export function ejectedOf(ejections: Ejections, { branches }: Route): { key: string; ms: number }[] {
  return branches.flatMap((branch) => {
    const targets = armsOf(branch).map((arm) => arm.target);
    return targets.flatMap((target) =>
      ejections.ejected(
        target,
        targets.filter((other) => other !== target),
      ),
    );
  });
}

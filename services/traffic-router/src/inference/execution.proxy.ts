import type { Route, Target } from '@slipway/contracts';
import { type Answer, Asker, type AskerParts, type TargetRequest } from '@slipway/platform';
import {
  answerOf,
  armsOf,
  type Assignment,
  barred,
  conclude,
  type Conclusion,
  fallBackAttempts,
  type Plan,
  planOf,
  type PresentRoutes,
} from '@slipway/routing';

export type ExecutionParts = AskerParts & { routes: PresentRoutes };

/** One hop: a question to the versions of an endpoint. */
export type Hop = { route: Route; assignment: Assignment; request: TargetRequest };
/** The plan of a hop, and its result. */
export type Came = { hop: Hop; plan: Plan; conclusion: Conclusion<Answer> };
/** The next hop, given the result of the previous one; undefined when that is the answer. */
export type NextHop = (came: Came) => Hop | undefined;

/**
 * Executes the plans of requests: the planned targets, then the fallback, then further hops.
 * @param started start of the request's time, by `performance.now()`; a further hop has its own
 * @param next called after each hop; there is one hop when absent
 * @returns the results of the hops, in order; the last one is the answer
 */
export class Execution {
  private readonly routes: PresentRoutes;
  private readonly ejections: AskerParts['ejections'];
  private readonly asker: Asker;
  private turn = 0;

  constructor(parts: ExecutionParts) {
    this.routes = parts.routes;
    this.ejections = parts.ejections;
    this.asker = new Asker(parts);
  }

  /**
   * @param started when the request's time began, by `performance.now()`; a further hop has its own
   * @param next asked after each hop; there is one hop when absent
   * @returns what came of the hops, in order; the last one is the answer
   */
  async run(first: Hop, started: number, next: NextHop = () => undefined): Promise<Came[]> {
    const all: Came[] = [];
    for (let hop: Hop | undefined = first, now = started; hop; now = performance.now()) {
      const came = await this.follow(hop, now);
      all.push(came);
      hop = next(came);
      // The caller gets another answer than this one.
      if (hop) came.conclusion.served?.said.rest?.close();
    }
    return all;
  }

  private async follow(hop: Hop, now: number): Promise<Came> {
    const { route, assignment, request } = hop;
    const plan = planOf(route, assignment, { states: this.ejections, now, turn: this.turn++ });
    const [control] = armsOf(assignment.branch);
    const mayNot = (target: Target) =>
      target === control.target ? undefined : barred(route.endpoint, assignment, target, this.routes);
    const tried = await this.asker.follow(plan.attempts, request, plan.deadline, mayNot);
    if (plan.fallBack && !answerOf(tried)) {
      const instead = fallBackAttempts(plan, { states: this.ejections, turn: this.turn++ });
      tried.push(...(await this.asker.follow(instead, request, plan.deadline, mayNot)));
    }
    return { hop, plan, conclusion: conclude(plan, tried) };
  }
}

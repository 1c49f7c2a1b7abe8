import { type RegistryClient } from '@slipway/client';
import { ANALYSERS, isUnderWay, type Rollout, stepAt } from '@slipway/release';
import { sleep } from '@slipway/local';
import { ENDPOINT, type plans } from './setup.ts';

export const percent = (x: number) => `${Math.round(x * 1000) / 10} %`;

/** How often the demo resumes a paused rollout; an overloaded machine alone can cause a pause. */
const MOST_RESUMES = 3;

/** Watches a rollout until it has ended, and prints changes and, every half minute, what it waits for. */
async function follow(operator: RegistryClient, id: string, say: (line: string) => void): Promise<Rollout> {
  let at = '';
  let mind = '';
  let lastLine = 0;
  let resumed = 0;
  for (;;) {
    const rollout = await operator.rollouts.get({ id });
    const visit = rollout.visits.at(-1);
    const where = `${rollout.status} ${rollout.step} ${visit?.phase}`;
    if (where !== at) {
      at = where;
      const step = stepAt(rollout.spec, rollout.step);
      if (rollout.status === 'running' && step && visit?.phase === 'active')
        say(`   step ${rollout.step} (${step.kind}): the candidate gets ${percent(rollout.weight)}`);
      if (rollout.status === 'paused') {
        say(`   paused: ${rollout.reason}`);
        if (resumed++ < MOST_RESUMES && !rollout.reason.includes('out_of_service')) {
          say('   the demo resumes it');
          await operator.rollouts
            .command({ id }, { command: 'resume', reason: 'resumed by the demo' })
            .catch(() => undefined);
        } else say('   to continue, resume it or roll it back as an operator: see docs/operators.md');
      }
    }
    const latest = (await operator.rollouts.evidence({ id })).items.find(
      (e) => rollout.spec.drift || e.analyser !== ANALYSERS.drift,
    );
    const thought = latest ? `${latest.step} ${latest.verdict} ${latest.reasons.join()}` : '';
    if (
      latest &&
      isUnderWay(rollout.status) &&
      (thought !== mind ? latest.verdict !== 'hold' || Date.now() - lastLine > 3000 : Date.now() - lastLine > 30_000)
    ) {
      mind = thought;
      lastLine = Date.now();
      say(`     ${latest.sentence}`);
    }
    if (!isUnderWay(rollout.status)) return rollout;
    await sleep(250);
  }
}

type Plan = (typeof plans)['better' | 'skewed'];

/** The rollout of this plan that an earlier start made, if any. */
export async function earlier(operator: RegistryClient, plan: Plan): Promise<Rollout | undefined> {
  return (await operator.rollouts.list({ endpoint: ENDPOINT })).items.find(
    (r) =>
      r.spec.candidate?.version === plan.candidate.version &&
      r.spec.steps.length === plan.steps.length &&
      r.spec.guardrails.map((g) => g.metric).join() === plan.guardrails.map((g) => g.metric).join() &&
      r.status !== 'aborted',
  );
}

/** Continues the rollout of an earlier start, or makes one, and follows it to its end. */
export async function runToEnd(operator: RegistryClient, plan: Plan, say: (line: string) => void): Promise<Rollout> {
  const rollout = (await earlier(operator, plan)) ?? (await operator.rollouts.create(plan));
  if (rollout.status === 'created')
    await operator.rollouts.command({ id: rollout.id }, { command: 'start', reason: 'started by the demo' });
  if (rollout.status === 'paused')
    await operator.rollouts.command({ id: rollout.id }, { command: 'resume', reason: 'resumed by the demo' });
  const ended = await follow(operator, rollout.id, say);
  say(`   ${ended.status}: ${ended.reason}`);
  return ended;
}

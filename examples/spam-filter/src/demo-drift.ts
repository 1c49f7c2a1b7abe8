import { driftClient, isRefusal } from '@slipway/client';
import type { AnswerOf, driftApi } from '@slipway/contracts';
import { sleep } from '@slipway/local';
import type { Mail } from './corpus.ts';
import { percent } from './demo-rollout.ts';
import type { Sender } from './sender.ts';

export type Drift = AnswerOf<typeof driftApi.drift.get>;

const STATES: Record<Drift['state'], string> = {
  moved: 'the inputs have moved away from the training data',
  stable: 'the inputs are distributed like the training data',
  insufficient_data: 'not enough requests yet to compare the inputs with the training data',
  no_profile: 'the inputs are not compared: the version has no reference profile',
};

async function readDrift(url: string, key: string, endpoint: string): Promise<Drift | undefined> {
  return driftClient({ url, key })
    .drift.get({ endpoint })
    .catch((error: unknown) => {
      if (isRefusal(error, 'not_found')) return undefined;
      throw error;
    });
}

/** One line for the console; unknown figures are left out. */
export function describeDrift(drift: Drift): string {
  const features = [...(drift.inputs?.features ?? [])]
    .filter((f) => f.psi !== null)
    .sort((a, b) => (b.psi ?? 0) - (a.psi ?? 0))
    .slice(0, 3)
    .map((f) => `${f.feature} ${(f.psi ?? 0).toFixed(2)}${f.alarm ? ' (alarm)' : ''}`);
  const losses = drift.losses
    .flatMap((l) => (l.rate === null ? [] : [{ ...l, rate: l.rate }]))
    .map((l) => `the error rate on labelled mails is ${percent(l.rate)} (at registration ${percent(l.reference)})`);
  const most = features.length > 0 ? [`largest PSI: ${features.join(', ')}`] : [];
  return `drift-monitor on ${drift.version}: ${[STATES[drift.state], ...most, ...losses].join('; ')}`;
}

/** Prints one line on the state of drift-monitor for the endpoint. */
export async function reportDrift(
  url: string,
  viewerKey: string,
  endpoint: string,
  say: (line: string) => void,
): Promise<void> {
  const drift = await readDrift(url, viewerKey, endpoint);
  if (drift) say(`     ${describeDrift(drift)}`);
}

/**
 * Switches the traffic to the mail that was collected later, and waits until drift-monitor reports both that the inputs
 * have moved permanently and that the error rate has risen.
 * @returns whether it reported that within 90 s
 */
export async function sendLaterMail(
  url: string,
  viewerKey: string,
  endpoint: string,
  sender: Sender,
  later: readonly Mail[],
  say: (line: string) => void,
): Promise<boolean> {
  sender.turnTo(later);
  let reported = 'stable';
  for (let second = 0; second < 90; second++) {
    await sleep(1000);
    const drift = await readDrift(url, viewerKey, endpoint);
    if (!drift) continue;
    const lost = drift.losses.some((l) => l.state === 'lost');
    const finding = `${drift.state}${lost ? ' lost' : ''}`;
    const found = drift.state === 'moved' && drift.lasting && lost;
    if (found || finding !== reported) say(`     ${describeDrift(drift)}`);
    if (found) return true;
    reported = finding;
  }
  return false;
}

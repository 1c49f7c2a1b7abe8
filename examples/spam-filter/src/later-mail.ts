import { sleep } from '@slipway/local';
import type { Mail } from './corpus.ts';
import type { Sender } from './sender.ts';

type Feature = { feature: string; psi: number | null; alarm: boolean };
/** What drift-monitor answers at `GET /v1/drift/{endpoint}`, as far as it is told here. */
type Drift = {
  version: string;
  state: string;
  inputs: { rows: number; features: Feature[]; moved: string[] } | null;
  lasting: boolean;
  losses: { outcome: string; state: string; rate: number | null; reference: number }[];
};

const STATES: Record<string, string> = {
  moved: 'elsewhere',
  stable: 'where they were',
  insufficient_data: 'too few yet to say',
};

const percent = (x: number | null) => (x === null ? 'n/a' : `${(100 * x).toFixed(1)} %`);

/** What drift-monitor says of the endpoint now, in one line. */
export async function tellDrift(
  url: string,
  viewerKey: string,
  endpoint: string,
  say: (line: string) => void,
): Promise<Drift | undefined> {
  const response = await fetch(`${url}/v1/drift/${endpoint}`, { headers: { authorization: `Bearer ${viewerKey}` } });
  if (!response.ok) return undefined;
  const drift = (await response.json()) as Drift;
  const features = [...(drift.inputs?.features ?? [])]
    .filter((f) => f.psi !== null)
    .sort((a, b) => (b.psi ?? 0) - (a.psi ?? 0))
    .slice(0, 3);
  const losses = drift.losses
    .filter((l) => l.rate !== null)
    .map((l) => `${percent(l.rate)} of labelled mails misfiled (${percent(l.reference)} when it was registered)`);
  const moved = features.map((f) => `${f.feature} PSI ${(f.psi ?? 0).toFixed(2)}${f.alarm ? ' (!)' : ''}`);
  say(
    `     drift-monitor on ${drift.version}: the data are ` +
      `${STATES[drift.state] ?? drift.state}; ` +
      [moved.join(', '), ...losses].filter((part) => part !== '').join('; '),
  );
  return drift;
}

/**
 * Turns the traffic to the mail that came later, and waits until drift-monitor has seen both that it is elsewhere and
 * that the model errs on it.
 */
export async function turnToLaterMail(
  url: string,
  viewerKey: string,
  endpoint: string,
  sender: Sender,
  later: readonly Mail[],
  say: (line: string) => void,
): Promise<boolean> {
  sender.turnTo(later);
  for (let second = 0; second < 90; second++) {
    await sleep(1000);
    const quiet = second % 5 !== 4;
    const drift = await tellDrift(url, viewerKey, endpoint, quiet ? () => undefined : say);
    if (drift?.state === 'moved' && drift.lasting && drift.losses.some((l) => l.state === 'lost')) {
      if (quiet) await tellDrift(url, viewerKey, endpoint, say);
      return true;
    }
  }
  return false;
}

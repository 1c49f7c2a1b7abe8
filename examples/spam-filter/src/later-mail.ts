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
  moved: 'have moved away from what it was trained on',
  stable: 'are like those that it was trained on',
  insufficient_data: 'are too few yet to say whether they have moved',
  no_profile: 'are not compared, since the version has no reference profile',
};

const percent = (x: number | null) => (x === null ? 'n/a' : `${(100 * x).toFixed(1)} %`);

async function readDrift(url: string, viewerKey: string, endpoint: string): Promise<Drift | undefined> {
  const response = await fetch(`${url}/v1/drift/${endpoint}`, { headers: { authorization: `Bearer ${viewerKey}` } });
  return response.ok ? ((await response.json()) as Drift) : undefined;
}

function inWords(drift: Drift): string {
  const features = [...(drift.inputs?.features ?? [])]
    .filter((f) => f.psi !== null)
    .sort((a, b) => (b.psi ?? 0) - (a.psi ?? 0))
    .slice(0, 3)
    .map((f) => `${f.feature} ${(f.psi ?? 0).toFixed(2)}${f.alarm ? ' (!)' : ''}`);
  const losses = drift.losses
    .filter((l) => l.rate !== null)
    .map((l) => `it misfiles ${percent(l.rate)} of labelled mails (${percent(l.reference)} when it was registered)`);
  const most = features.length > 0 ? [`by PSI, most of all in ${features.join(', ')}`] : [];
  return (
    `     drift-monitor on ${drift.version}: the data ${STATES[drift.state] ?? `are ${drift.state}`}` +
    [...most, ...losses].map((part) => `; ${part}`).join('')
  );
}

/** Says in one line what drift-monitor knows of the endpoint now. */
export async function tellDrift(
  url: string,
  viewerKey: string,
  endpoint: string,
  say: (line: string) => void,
): Promise<void> {
  const drift = await readDrift(url, viewerKey, endpoint);
  if (drift) say(inWords(drift));
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
  let told = 'stable';
  for (let second = 0; second < 90; second++) {
    await sleep(1000);
    const drift = await readDrift(url, viewerKey, endpoint);
    if (!drift) continue;
    const lost = drift.losses.some((l) => l.state === 'lost');
    const finding = `${drift.state}${lost ? ' lost' : ''}`;
    const found = drift.state === 'moved' && drift.lasting && lost;
    if (found || finding !== told) say(inWords(drift));
    if (found) return true;
    told = finding;
  }
  return false;
}

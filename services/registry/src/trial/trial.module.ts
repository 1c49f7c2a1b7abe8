import { type Feature, provided, type ServiceContext } from '@slipway/platform';
import { TrialController } from './trial.controller.ts';
import { Trials } from './trial.loop.ts';

/** The first load of every version, before it may serve. */
export function trialFeature(
  parts: Omit<ConstructorParameters<typeof Trials>[0], 'log'>,
  { log, onClose }: ServiceContext,
): { trials: Trials; feature: Feature } {
  const trials = new Trials({ ...parts, log });
  onClose('trials', () => trials.close());
  return { trials, feature: { controllers: [TrialController], providers: [provided(Trials, trials)] } };
}

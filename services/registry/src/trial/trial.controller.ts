import { Controller } from '@nestjs/common';
import { registryApi } from '@slipway/contracts';
import { Operation } from '@slipway/platform';
import { Trials } from './trial.loop.ts';

const { trials } = registryApi;

/** The versions that workers are to load once, before they may serve. */
@Controller()
export class TrialController {
  private readonly trials: Trials;
  constructor(trials: Trials) {
    this.trials = trials;
  }

  @Operation(trials.list)
  async list() {
    return { items: await this.trials.toTry() };
  }
}

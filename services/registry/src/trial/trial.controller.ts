import { Controller, Get } from '@nestjs/common';
import { Needs } from '../access/access.controller.ts';
import { Trials } from './trial.loop.ts';

/** What workers are to load once, before it may serve. */
@Controller('v1/trials')
export class TrialController {
  private readonly trials: Trials;
  constructor(trials: Trials) {
    this.trials = trials;
  }

  @Get()
  @Needs('viewer')
  async list() {
    return { items: await this.trials.untested() };
  }
}

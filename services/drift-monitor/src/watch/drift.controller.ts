import { Controller, Get, Param, UseGuards } from '@nestjs/common';
import { ViewerGuard } from '@slipway/platform';
import { ProblemError } from '@slipway/core';
import { DriftWatch } from './drift-watch.client.ts';

/** The last look at each endpoint. */
@UseGuards(ViewerGuard)
@Controller('v1/drift')
export class DriftController {
  private readonly watch: DriftWatch;
  constructor(watch: DriftWatch) {
    this.watch = watch;
  }

  @Get()
  list() {
    return { items: [...this.watch.latest.values()] };
  }

  @Get(':endpoint')
  get(@Param('endpoint') endpoint: string) {
    const drift = this.watch.latest.get(endpoint);
    if (!drift) throw new ProblemError('not_found', `this process has not looked at an endpoint "${endpoint}"`);
    return drift;
  }
}

import { Controller, Get, Param, UseGuards } from '@nestjs/common';
import { ProblemError } from '@slipway/core';
import { ViewerGuard } from '../access/viewer.guard.ts';
import { Analyst } from './analyst.client.ts';

/** The numbers of the last look. */
@UseGuards(ViewerGuard)
@Controller('v1/results')
export class ResultController {
  private readonly analyst: Analyst;
  constructor(analyst: Analyst) {
    this.analyst = analyst;
  }

  @Get(':rollout')
  get(@Param('rollout') rollout: string) {
    const evidence = this.analyst.latest.get(rollout);
    if (!evidence) throw new ProblemError('not_found', `this process has not looked at a rollout ${rollout}`);
    return evidence;
  }
}

import { Controller, Get, Param, UseGuards } from '@nestjs/common';
import { ProblemError } from '@slipway/core';
import { ViewerGuard } from '../access/viewer.guard.ts';
import { AnalyserLoop } from './analyser.loop.ts';

/** The numbers of the last look. */
@UseGuards(ViewerGuard)
@Controller('v1/results')
export class ResultController {
  private readonly loop: AnalyserLoop;
  constructor(loop: AnalyserLoop) {
    this.loop = loop;
  }

  @Get(':rollout')
  get(@Param('rollout') rollout: string) {
    const evidence = this.loop.latest.get(rollout);
    if (!evidence) throw new ProblemError('not_found', `this process has not looked at a rollout ${rollout}`);
    return evidence;
  }
}

import { Controller } from '@nestjs/common';
import { analyserApi } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import { type Asked, Operation } from '../rest/operation.ts';
import { AnalyserLoop } from './analyser.loop.ts';

const { results } = analyserApi;

/** The numbers of the latest look. */
@Controller()
export class ResultController {
  private readonly loop: AnalyserLoop;
  constructor(loop: AnalyserLoop) {
    this.loop = loop;
  }

  @Operation(results.get)
  get({ params: { rollout } }: Asked<typeof results.get>) {
    const evidence = this.loop.latest.get(rollout);
    if (!evidence) throw new ProblemError('not_found', `this process has not looked at rollout ${rollout}`);
    return evidence;
  }
}

import { Controller } from '@nestjs/common';
import { driftApi } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import { type Asked, Operation } from '@slipway/platform';
import { DriftWatch } from './drift-watch.client.ts';

const { drift } = driftApi;

/** The latest look at each endpoint. */
@Controller()
export class DriftController {
  private readonly watch: DriftWatch;
  constructor(watch: DriftWatch) {
    this.watch = watch;
  }

  @Operation(drift.list)
  list() {
    return { items: [...this.watch.latest.values()] };
  }

  @Operation(drift.get)
  get({ params: { endpoint } }: Asked<typeof drift.get>) {
    const found = this.watch.latest.get(endpoint);
    if (!found) throw new ProblemError('not_found', `this process has not looked at endpoint "${endpoint}"`);
    return found;
  }
}

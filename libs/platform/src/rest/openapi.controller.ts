import { Controller, Get, Inject } from '@nestjs/common';
import { Needs } from './access.guard.ts';

export const OPENAPI = Symbol('OpenAPI document');

/** Serves the OpenAPI document of a service. */
@Controller()
@Needs('anyone')
export class OpenApiController {
  private readonly document: object;
  constructor(@Inject(OPENAPI) document: object) {
    this.document = document;
  }

  @Get('openapi.json')
  get() {
    return this.document;
  }
}

import { Controller, Get } from '@nestjs/common';
import { openApiDocument } from '@slipway/contracts';

@Controller()
export class OpenApiController {
  private readonly document = openApiDocument('0.1.0');

  @Get('openapi.json')
  get() {
    return this.document;
  }
}

import { Controller, Get, Param, Res } from '@nestjs/common';
import { Needs } from '@slipway/platform';
import type { FastifyReply } from 'fastify';
import { ModelSet } from '../model/model-set.client.ts';

/** The Open Inference Protocol beside `infer`. */
@Controller('v2')
@Needs('caller')
export class OipController {
  private readonly models: ModelSet;
  constructor(models: ModelSet) {
    this.models = models;
  }

  @Get()
  server() {
    return { name: 'slipway-inference-worker', version: '0.1.0', extensions: [] };
  }

  @Get('health/live')
  @Needs('anyone')
  live() {
    return { live: true };
  }

  @Get('health/ready')
  @Needs('anyone')
  ready() {
    return { ready: true, live: true };
  }

  @Get('models/:model/versions/:version')
  metadata(@Param('model') model: string, @Param('version') version: string) {
    const { spec, provider } = this.models.get(model, Number(version));
    return {
      name: spec.model,
      versions: [String(spec.version)],
      platform: 'onnx_onnxv1',
      inputs: spec.signature.inputs,
      outputs: spec.signature.outputs,
      parameters: { execution_provider: provider, digest: spec.digest },
    };
  }

  @Get('models/:model/versions/:version/ready')
  modelReady(@Param('model') model: string, @Param('version') version: string, @Res() reply: FastifyReply) {
    const ready = this.models
      .versions()
      .some((v) => v.model === model && v.version === Number(version) && v.state === 'warm');
    void reply.status(ready ? 200 : 503).send({ name: model, ready });
  }
}

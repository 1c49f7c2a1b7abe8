import { Controller, Get, Param, Res } from '@nestjs/common';
import { ProblemError } from '@slipway/core';
import { Needs } from '@slipway/platform';
import type { FastifyReply } from 'fastify';
import { RouteTable } from '../routing/route-table.ts';
import { targetKey, Targets } from '../target/targets.ts';

/** The Open Inference Protocol beside `infer`: server and model metadata, liveness, readiness. */
@Controller('v2')
@Needs('caller')
export class OipController {
  private readonly routes: RouteTable;
  private readonly targets: Targets;
  constructor(routes: RouteTable, targets: Targets) {
    this.routes = routes;
    this.targets = targets;
  }

  @Get()
  server() {
    return { name: 'slipway', version: '0.1.0', extensions: [] };
  }

  @Get('health/live')
  @Needs('anyone')
  live() {
    return { live: true };
  }

  @Get('health/ready')
  @Needs('anyone')
  ready(@Res() reply: FastifyReply) {
    const ready = this.routes.all().length > 0;
    void reply.status(ready ? 200 : 503).send({ ready, live: true });
  }

  @Get('models/:endpoint')
  model(@Param('endpoint') endpoint: string) {
    const route = this.routes.require(endpoint);
    return {
      name: route.endpoint,
      versions: [route.control, ...(route.candidate ? [route.candidate] : [])].map((t) => String(t.version)),
      platform: 'onnx_onnxv1',
      inputs: route.signature.inputs,
      outputs: route.signature.outputs,
    };
  }

  @Get('models/:endpoint/ready')
  modelReady(@Param('endpoint') endpoint: string, @Res() reply: FastifyReply) {
    this.versionReady(endpoint, String(this.routes.require(endpoint).control.version), reply);
  }

  @Get('models/:endpoint/versions/:version')
  version(@Param('endpoint') endpoint: string, @Param('version') version: string) {
    const metadata = this.model(endpoint);
    if (!metadata.versions.includes(version))
      throw new ProblemError('unknown_version', `the endpoint "${endpoint}" has no version ${version}`);
    return { ...metadata, versions: [version] };
  }

  @Get('models/:endpoint/versions/:version/ready')
  versionReady(@Param('endpoint') endpoint: string, @Param('version') version: string, @Res() reply: FastifyReply) {
    const route = this.routes.require(endpoint);
    const target = [route.control, route.candidate].find((t) => t && String(t.version) === version);
    if (!target) throw new ProblemError('unknown_version', `the endpoint "${endpoint}" has no version ${version}`);
    const ready = target.addresses.some((a) => !this.targets.isEjected(targetKey(target, a)));
    void reply.status(ready ? 200 : 503).send({ name: route.endpoint, ready });
  }
}

import { loadConfig, runService } from '@slipway/platform';
import { configSchema } from './config.ts';
import { trafficRouter } from './traffic-router.module.ts';

await runService('traffic-router', loadConfig(configSchema, process.env), trafficRouter);

import { loadConfig, runService } from '@slipway/platform';
import { configSchema } from './config.ts';
import { registry } from './registry.module.ts';

await runService('registry', loadConfig(configSchema, process.env), registry);

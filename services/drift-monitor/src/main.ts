import { loadConfig, runService } from '@slipway/platform';
import { configSchema } from './config.ts';
import { driftMonitor } from './drift-monitor.module.ts';

await runService('drift-monitor', loadConfig(configSchema, process.env), driftMonitor);

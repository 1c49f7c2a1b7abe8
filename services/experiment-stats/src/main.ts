import { loadConfig, runService } from '@slipway/platform';
import { configSchema } from './config.ts';
import { experimentStats } from './experiment-stats.module.ts';

await runService('experiment-stats', loadConfig(configSchema, process.env), experimentStats);

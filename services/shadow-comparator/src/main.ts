import { loadConfig, runService } from '@slipway/platform';
import { configSchema } from './config.ts';
import { shadowComparator } from './shadow-comparator.module.ts';

await runService('shadow-comparator', loadConfig(configSchema, process.env), shadowComparator);

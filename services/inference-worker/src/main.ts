import { loadConfig, runService } from '@slipway/platform';
import { configSchema } from './config.ts';
import { inferenceWorker } from './inference-worker.module.ts';

await runService('inference-worker', loadConfig(configSchema, process.env), inferenceWorker);

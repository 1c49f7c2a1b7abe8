import type { Feature } from '@slipway/platform';
import { MetricController } from './metric.controller.ts';

export const metricFeature: Feature = { controllers: [MetricController] };

import type { Feature } from '@slipway/platform';
import { AssignmentController } from './assignment.controller.ts';

/** For services that serve their own models: which version a unit gets. */
export const assignmentFeature: Feature = { controllers: [AssignmentController] };

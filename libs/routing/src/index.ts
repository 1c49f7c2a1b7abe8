export * from './assign.ts';
export * from './assignment.ts';
export * from './draw.ts';
export * from './explain.ts';
export * from './replay.ts';

export * from './advice.ts';
export * from './given.ts';
export * from './kafka.ts';
export * from './ports.ts';
export * from './postgres.ts';
export * from './secrets.ts';
export * from './stack.ts';
export * from './supervisor.ts';

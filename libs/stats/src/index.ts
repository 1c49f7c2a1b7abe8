export * from './decision/judge.ts';
export * from './e-process/counts.ts';
export * from './e-process/latency.ts';
export * from './e-process/mixture.ts';
export * from './kernel/normal.ts';

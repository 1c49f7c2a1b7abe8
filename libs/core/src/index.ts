export * from './canonical-json.ts';
export * from './json-text.ts';
export * from './names.ts';
export * from './problem.ts';
export * from './revision.ts';
export * from './shapes.ts';
export * from './units.ts';

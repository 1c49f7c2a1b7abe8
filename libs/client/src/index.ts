export * from './api.client.ts';
export * from './errors.ts';
export * from './services.ts';

export * from './corpus.ts';
export * from './registry.client.ts';
export * from './sender.ts';
export * from './setup.ts';
export * from './story.ts';
export * from './versions.ts';

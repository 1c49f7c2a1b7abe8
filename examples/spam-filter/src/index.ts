export * from './corpus.ts';
export * from './demo.ts';
export * from './onnx.ts';
export * from './sender.ts';
export * from './setup.ts';
export * from './train.ts';
export * from './versions.ts';

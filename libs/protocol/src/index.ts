export * from './interface/output.ts';
export * from './interface/protocol.ts';
export * from './interface/question.ts';
export * from './protocols.ts';
export * from './tensor/json-tensors.ts';
export * from './tensor/numeric.ts';
export * from './tensor/tensors.ts';

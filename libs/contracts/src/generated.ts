// What pages and rights are printed from the declarations: for the docs, deploy and their tests, and no service.
export * from './bus/acls.ts';
export * from './bus/asyncapi.ts';
export * from './bus/markdown-table.ts';
export * from './bus/topics-page.ts';

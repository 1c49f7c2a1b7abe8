// `npm run simulate [-- --runs N --seed N --volumes 20,200 --bases 0.01 --only TEXT --json]`, or `-- --streams FILE
// --json`, or `-- --returning`, `-- --ejection`, `-- --limits`, `-- --hanging`, `-- --whole` (with `--runs`, `--seed`,
// `--only`, `--json`).
import { build } from './build.mjs';

await build();
await import('./dist/simulate/main.js');

// `npm run bench`: prepares, then measures. `--rounds`, `--seconds`, `--minutes` (of the memory run), `--only
// verdict,drift,proxies,worker,rows,comparator,rollback,memory`, `--out FILE`.
import { Advice, prepare } from '../deploy/local/bootstrap.mjs';

try {
  await prepare((line) => process.stdout.write(`${line}\n`), { given: false });
} catch (error) {
  if (!(error instanceof Advice)) throw error;
  process.stderr.write(`\n${error.message}\n`);
  process.exit(1);
}
await import('./dist/bench/main.js');

// `npm start`: prepares, then calls the compiled starter.
import { parseArgs } from 'node:util';
import { Advice, prepare } from '../../deploy/local/bootstrap.mjs';

const began = Date.now();
const say = (line) => process.stdout.write(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);

let options;
try {
  options = parseArgs({
    options: {
      exit: { type: 'boolean', default: false },
      fresh: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }).values;
} catch (error) {
  process.stderr.write(`${error.message}. Try \`npm start -- --help\`.\n`);
  process.exit(2);
}
if (options.help) {
  process.stdout.write(`npm start                 start everything, run the demo, stay up (Ctrl-C stops)
npm start -- --exit       stop everything after the demo; status 0 only if it ended as expected
npm start -- --fresh      delete the data of earlier starts first\n`);
  process.exit(0);
}

try {
  await prepare(say);
  const { start } = await import('./dist/index.js');
  process.exitCode = await start({ ...options, began, say });
} catch (error) {
  if (!(error instanceof Advice) && error?.name !== 'Advice') throw error;
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = 1;
}
process.exit();

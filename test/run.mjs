// `npm test`: prepares, runs every suite on the real stores, and ends with the line `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Advice, prepare, preparePython, root } from '../deploy/local/bootstrap.mjs';

const say = (line) => process.stdout.write(`${line}\n`);
const folder = join(root, '.slipway', 'test');
const report = join(folder, `report-${process.pid}.json`);
try {
  // The suites start, stop and kill their stores: they always bring their own.
  await prepare(say, { given: false });
  await preparePython(say);
} catch (error) {
  if (!(error instanceof Advice)) throw error;
  process.stderr.write(`\n${error.message}\n\n0 passed, 1 failed\n`);
  process.exit(1);
}
mkdirSync(folder, { recursive: true });
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const child = spawn(process.execPath, [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('close', (code) => {
  let passed = 0;
  let failed = 0;
  let suites = 0;
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'));
    passed = result.numPassedTests;
    failed = result.numFailedTests;
    // A suite that could not begin has no failed test, and has failed all the same.
    suites = result.testResults.filter((s) => s.status === 'failed' && !s.assertionResults.some((a) => a.status === 'failed')).length;
    rmSync(report);
  } catch {
    failed = 1;
  }
  say(`\n${passed} passed, ${failed + suites} failed`);
  process.exit(code === 0 && passed > 0 && failed + suites === 0 ? 0 : 1);
});

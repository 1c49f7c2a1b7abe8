// `npm test`: prepares, runs every suite on the real stores, and ends with the line `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Advice, prepare, preparePython, root } from '../deploy/local/bootstrap.mjs';

const say = (line) => process.stdout.write(`${line}\n`);
const folder = join(root, '.slipway', 'test');
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
const { code, passed, failed } = await runTests(process.argv.slice(2));
say(`\n${passed} passed, ${failed} failed`);
process.exit(code === 0 && passed > 0 && failed === 0 ? 0 : 1);

function runTests(args) {
  const report = join(folder, `report-${process.pid}.json`);
  const child = spawn(
    process.execPath,
    [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args],
    { cwd: root, stdio: 'inherit' },
  );
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on('close', (code) => {
      try {
        const result = JSON.parse(readFileSync(report, 'utf8'));
        rmSync(report);
        // A suite that could not begin has no failed test, and has failed all the same.
        const suites = result.testResults.filter(
          (s) => s.status === 'failed' && !s.assertionResults.some((a) => a.status === 'failed'),
        ).length;
        resolve({ code, passed: result.numPassedTests, failed: result.numFailedTests + suites });
      } catch {
        resolve({ code: 1, passed: 0, failed: 1 });
      }
    });
  });
}

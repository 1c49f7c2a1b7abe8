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
const given = process.argv.slice(2);
// Two lanes side by side: most of the time a suite waits for something. Every suite has ports, topics and folders of its own.
const FIRST = ['faults', 'starter', 'poison', 'foreign-events', 'explanation'];
const lanes = given.length > 0 ? [given] : [['--project', 'end-to-end', ...FIRST], FIRST.flatMap((name) => ['--exclude', `**/${name}.test.ts`])];
const results = await Promise.all(lanes.map(runLane));
const passed = results.reduce((n, r) => n + r.passed, 0);
const failed = results.reduce((n, r) => n + r.failed, 0);
say(`\n${passed} passed, ${failed} failed`);
process.exit(results.every((r) => r.code === 0) && passed > 0 && failed === 0 ? 0 : 1);

function runLane(args, lane) {
  const report = join(folder, `report-${process.pid}-${lane}.json`);
  const child = spawn(process.execPath, [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args], { cwd: root, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on('close', (code) => {
      try {
        const result = JSON.parse(readFileSync(report, 'utf8'));
        rmSync(report);
        // A suite that could not begin has no failed test, and has failed all the same.
        const suites = result.testResults.filter((s) => s.status === 'failed' && !s.assertionResults.some((a) => a.status === 'failed')).length;
        resolve({ code, passed: result.numPassedTests, failed: result.numFailedTests + suites });
      } catch {
        resolve({ code: 1, passed: 0, failed: 1 });
      }
    });
  });
}

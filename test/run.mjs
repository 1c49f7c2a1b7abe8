// `npm test`: prepares, runs every test (unit tests through Nx, which skips unchanged projects; the suites on real
// stores) and ends with the line `N passed, N failed`. With arguments: only what Vitest makes of them.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Advice, prepare, preparePython, root } from '../deploy/local/bootstrap.mjs';

const say = (line) => process.stdout.write(`${line}\n`);
const folder = join(root, '.slipway', 'test');
try {
  // The suites start, stop and kill their stores, so they always use their own.
  await prepare(say, { given: false });
  await preparePython(say);
} catch (error) {
  if (!(error instanceof Advice)) throw error;
  process.stderr.write(`\n${error.message}\n\n0 passed, 1 failed\n`);
  process.exit(1);
}
mkdirSync(folder, { recursive: true });
/** Everything except the unit tests. */
const SUITES = ['statistics', 'integration', 'end-to-end'].flatMap((name) => ['--project', name]);
const args = process.argv.slice(2);
const results = args.length ? [await runVitest(args)] : [await runUnit(), await runVitest(SUITES)];
if (!args.length) results.push(allRan(results.flatMap((r) => r.files)));
const passed = results.reduce((n, r) => n + r.passed, 0);
const failed = results.reduce((n, r) => n + r.failed, 0);
say(`\n${passed} passed, ${failed} failed`);
process.exit(results.every((r) => r.code === 0) && passed > 0 && failed === 0 ? 0 : 1);

/** Each project's unit tests; for unchanged projects Nx restores the report of the last successful run. */
async function runUnit() {
  const reports = join(folder, 'unit');
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  const code = await run('npm', ['run', '--silent', 'test:unit']);
  const files = readdirSync(reports, { recursive: true });
  return count(
    code,
    files.filter((f) => f.endsWith('.json')).map((f) => join(reports, f)),
  );
}

async function runVitest(args) {
  const report = join(folder, `report-${process.pid}.json`);
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const result = count(await run(process.execPath, [vitest, 'run', ...reporters, ...args]), [report]);
  rmSync(report, { force: true });
  return result;
}

function run(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => child.kill(signal));
  return new Promise((resolve) => child.on('close', resolve));
}

/** A test that no project runs is a failure, since it would otherwise go unnoticed. */
function allRan(files) {
  let tracked;
  try {
    tracked = execFileSync('git', ['ls-files', '*.test.ts'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
  } catch {
    return { code: 0, passed: 0, failed: 0 };
  }
  const missing = tracked.filter((file) => !files.some((ran) => ran.endsWith(`/${file}`)));
  for (const file of missing) process.stderr.write(`${file} was run by no project\n`);
  return { code: missing.length, passed: 0, failed: missing.length };
}

/** The totals of all reports of a run; a report that failed without a named failure, or ran nothing, is a failure. */
function count(code, reports) {
  let [passed, failed] = [0, 0];
  const files = [];
  for (const file of reports) {
    try {
      const report = JSON.parse(readFileSync(file, 'utf8'));
      // A suite that could not begin has no failed test, but has failed.
      const suites = report.testResults.filter(
        (s) => s.status === 'failed' && !s.assertionResults.some((a) => a.status === 'failed'),
      );
      files.push(...report.testResults.map((s) => s.name));
      passed += report.numPassedTests;
      failed += report.numFailedTests + suites.length;
    } catch {
      failed++;
    }
  }
  if (failed === 0 && (code !== 0 || passed === 0)) failed++;
  return { code, passed, failed, files };
}

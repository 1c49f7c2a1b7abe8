import { Advice, prepareBuild } from '../deploy/local/bootstrap.mjs';

/** Packages and build only, reported on stderr, since programs that use it print results to stdout. */
export async function build() {
  try {
    await prepareBuild((line) => process.stderr.write(`${line}\n`));
  } catch (error) {
    if (!(error instanceof Advice)) throw error;
    process.stderr.write(`\n${error.message}\n`);
    process.exit(1);
  }
}

/** Vitest calls this before the suites: none of them meets a stale build, however it was started. */
export { build as setup };

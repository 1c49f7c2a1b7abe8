import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The longest suites first, so that the lanes end together; what works much lies beside what waits much. */
const LONG = ['faults', 'registry', 'counts', 'drift', 'releases', 'cut-off', 'shadow', 'fuzz', 'clients', 'starter'];
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) =>
      (LONG.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`)) + LONG.length + 1) % (LONG.length + 1);
    return [...files].sort((a, b) => place(a) - place(b) || a.moduleId.localeCompare(b.moduleId));
  }
}

/** Each suite has a stack of its own, which waits more than it works: two at a time keep two cores busy. */
const LANES = { maxWorkers: 2, sequence: { groupOrder: 1 }, globalSetup: 'test/build.mjs' };
/** What is built is loaded as it is, and not transformed once more for each file of tests. */
const server = { deps: { external: [/\/(libs|services|deploy|examples)\/.*\/dist\//] } };

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    projects: [
      {
        test: {
          name: 'unit',
          server,
          globalSetup: 'test/compile.mjs',
          testTimeout: 60_000,
          // Modules are loaded once a worker, not once a file: that was half of the time.
          pool: 'forks',
          isolate: false,
          include: [
            'libs/*/src/**/*.test.ts',
            'services/*/src/**/*.test.ts',
            'deploy/local/src/**/*.test.ts',
            'examples/*/src/**/*.test.ts',
          ],
        },
      },
      {
        test: {
          name: 'statistics',
          include: ['test/src/vectors/**/*.test.ts', 'test/src/simulate/**/*.test.ts'],
          testTimeout: 60_000,
          server,
          ...LANES,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/src/integration/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          server,
          ...LANES,
        },
      },
      {
        test: {
          name: 'end-to-end',
          include: ['test/src/end-to-end/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 180_000,
          server,
          ...LANES,
        },
      },
    ],
  },
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../fixtures/stack.ts';
import { checkVector, type Vector } from './check.ts';

const read = (file: string) =>
  JSON.parse(readFileSync(join(root, 'libs', 'stats', 'vectors', file), 'utf8')) as Vector[];
const vectors = read('vectors.json');

describe('the reference vectors', () => {
  it.each(vectors.map((v) => [v.name, v] as const))('%s', (_, vector) => expect(checkVector(vector)).toEqual([]));

  it('and what scipy, statsmodels, gbstats and river answer on random data (cross-check.py) agree with us', () => {
    const checked = read('cross-checked.json');
    expect(checked.length).toBeGreaterThan(300);
    expect(checked.flatMap(checkVector)).toEqual([]);
  });

  it('and far tails and arms of unequal size, by mpmath at 60 digits (far-tails.py), agree with us', () => {
    const far = read('far-tails.json');
    expect(far.length).toBeGreaterThan(8);
    expect(far.flatMap(checkVector)).toEqual([]);
  });

  it('fail where they are wrong: another number, an unknown computation, a missing field', () => {
    const kappa = vectors.find((v) => v.name === 'shadow-kappa') as Vector;
    expect(checkVector({ ...kappa, name: 'new data', like: 'shadow-kappa' })).toEqual([]);
    expect(checkVector({ ...kappa, expected: { kappa: 0.41 } })).toEqual([
      { name: 'shadow-kappa', field: 'kappa', expected: 0.41, got: expect.closeTo(0.4, 12) },
    ]);
    expect(checkVector({ ...kappa, like: 'nobody' })[0]?.field).toBe('like');
    expect(checkVector({ ...kappa, expected: { other: 1 } })).toHaveLength(1);
  });

  it('are run by the command line, which names what failed and counts', () => {
    const folder = mkdtempSync(join(tmpdir(), 'vectors-'));
    const file = join(folder, 'v.json');
    const [first] = vectors.filter((v) => v.name === 'gb-holm');
    writeFileSync(
      file,
      JSON.stringify([
        first,
        { ...first, name: 'changed', like: 'gb-holm', expected: { adjusted: [1, 1, 1, 1, 1, 1] } },
      ]),
    );
    let output = '';
    try {
      output = execFileSync(process.execPath, [join(root, 'test', 'dist', 'vectors', 'main.js'), file], {
        encoding: 'utf8',
      });
    } catch (error) {
      output = (error as { stdout: string }).stdout;
    }
    rmSync(folder, { recursive: true });
    expect(output).toMatch(/^changed, adjusted\[0\], expected 1, got 0\.0\d+\n1 passed, 1 failed\n$/);
  });
});

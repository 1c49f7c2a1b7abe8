import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assignArm, assignmentPoint } from './assignment.ts';

const { vectors } = JSON.parse(readFileSync(new URL('./assignment-vectors.json', import.meta.url), 'utf8')) as {
  vectors: { salt: string; unit: string; point: number }[];
};

describe('assignment', () => {
  it.each(vectors)('agrees with the published vector of salt "$salt" and unit "$unit"', ({ salt, unit, point }) => {
    expect(assignmentPoint(salt, unit)).toBe(point);
  });

  it('keeps in every unit that was in at a smaller weight', () => {
    const units = Array.from({ length: 5000 }, (_, i) => `user-${i}`);
    const at = (weight: number) => new Set(units.filter((u) => assignArm('salt', u, weight) === 'candidate'));
    const [five, quarter, half] = [at(0.05), at(0.25), at(0.5)];
    expect([...five].every((u) => quarter.has(u))).toBe(true);
    expect([...quarter].every((u) => half.has(u))).toBe(true);
  });

  it('gives the candidate its share, within four standard errors', () => {
    const n = 20_000;
    const share =
      Array.from({ length: n }, (_, i) => assignArm('another', String(i), 0.05)).filter((a) => a === 'candidate')
        .length / n;
    expect(Math.abs(share - 0.05)).toBeLessThan(4 * Math.sqrt((0.05 * 0.95) / n));
  });

  it('gives other units to the candidate under another salt', () => {
    const units = Array.from({ length: 2000 }, (_, i) => `user-${i}`);
    const both = units.filter(
      (u) => assignArm('a', u, 0.1) === 'candidate' && assignArm('b', u, 0.1) === 'candidate',
    ).length;
    expect(both).toBeLessThan(60);
  });
});

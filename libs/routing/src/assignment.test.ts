import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assignArm, assignmentPoint } from './assignment.ts';

const { vectors } = JSON.parse(readFileSync(new URL('./assignment-vectors.json', import.meta.url), 'utf8')) as {
  vectors: { salt: string; unit: string; point: number }[];
};

const arms = (weight: number) => [
  { name: 'control', share: 1 - weight },
  { name: 'candidate', share: weight },
];
const armAt = (salt: string, unit: string, weight: number) => assignArm(salt, unit, arms(weight)).name;

describe('assignment', () => {
  it.each(vectors)('matches the published vector of salt "$salt" and unit "$unit"', ({ salt, unit, point }) => {
    expect(assignmentPoint(salt, unit)).toBe(point);
  });

  it('keeps every unit in the candidate when the weight grows', () => {
    const units = Array.from({ length: 5000 }, (_, i) => `user-${i}`);
    const at = (weight: number) => new Set(units.filter((u) => armAt('salt', u, weight) === 'candidate'));
    const [five, quarter, half] = [at(0.05), at(0.25), at(0.5)];
    expect([...five].every((u) => quarter.has(u))).toBe(true);
    expect([...quarter].every((u) => half.has(u))).toBe(true);
  });

  it('gives the candidate its share, within four standard errors', () => {
    const n = 20_000;
    const share =
      Array.from({ length: n }, (_, i) => armAt('another', String(i), 0.05)).filter((a) => a === 'candidate').length /
      n;
    expect(Math.abs(share - 0.05)).toBeLessThan(4 * Math.sqrt((0.05 * 0.95) / n));
  });

  it('draws other units for the candidate under another salt', () => {
    const units = Array.from({ length: 2000 }, (_, i) => `user-${i}`);
    const both = units.filter((u) => armAt('a', u, 0.1) === 'candidate' && armAt('b', u, 0.1) === 'candidate').length;
    expect(both).toBeLessThan(60);
  });

  it.each(vectors)('of "$unit" under "$salt" follows from its point, at every weight', ({ salt, unit, point }) => {
    for (const weight of [0, 0.05, 0.25, point, point + 2 ** -53, 0.5, 0.999, 1])
      expect(armAt(salt, unit, weight)).toBe(point < weight ? 'candidate' : 'control');
  });

  it('of several candidates gives each its share in order, and control the rest', () => {
    const three = [
      { name: 'control', share: 0.5 },
      { name: 'fast', share: 0.2 },
      { name: 'good', share: 0.3 },
    ];
    for (let i = 0; i < 2000; i++) {
      const point = assignmentPoint('salt', `${i}`);
      const expected = point < 0.2 ? 'fast' : point < 0.5 ? 'good' : 'control';
      expect(assignArm('salt', `${i}`, three).name).toBe(expected);
    }
  });
});

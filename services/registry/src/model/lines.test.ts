import { describe, expect, it } from 'vitest';
import { eachLine, isBlank } from './lines.ts';

async function linesIn(text: string, size: number, most = 1000): Promise<string[]> {
  async function* chunks() {
    for (let i = 0; i < text.length; i += size) yield Buffer.from(text.slice(i, i + size));
  }
  const found: string[] = [];
  await eachLine(chunks(), most, (line) => found.push(line.toString()));
  return found;
}

describe('the lines of a file', () => {
  it.each([1, 2, 3, 7, 100])('are the same however it is cut (into pieces of %d)', async (size) => {
    const text = 'one\n\ntwo three\r\nfour';
    expect(await linesIn(text, size)).toEqual(text.split('\n'));
    expect(await linesIn(`${text}\n`, size)).toEqual(text.split('\n'));
  });
  it.each([2, 100])('are cut off where they are too long (pieces of %d)', async (size) => {
    expect(await linesIn('12345678\nab\n123456', size, 5)).toEqual(['12345', 'ab', '12345']);
  });
  it('may be blank', () =>
    expect(['', ' \t\r', ' a'].map((l) => isBlank(Buffer.from(l)))).toEqual([true, true, false]));
});

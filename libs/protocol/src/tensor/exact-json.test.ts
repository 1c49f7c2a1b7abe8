import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseExact, WideInteger } from './exact-json.ts';

const WIDE = '1234567890123456789';

it('keeps every digit of a wide integer, and takes none of a text or a fraction for one', () => {
  const text = `{"a":[${WIDE},-${WIDE}],"b":"${WIDE}","c\\"${WIDE}":0.${WIDE},"d":[[${WIDE}]]}`;
  const wide = new WideInteger(WIDE);
  expect(parseExact(text)).toEqual({
    a: [wide, new WideInteger(`-${WIDE}`)],
    b: WIDE,
    [`c"${WIDE}`]: Number(`0.${WIDE}`),
    d: [[wide]],
  });
});

it.each([
  ['ends within a string', `[${WIDE},"a`],
  ['ends within an escape', `[${WIDE},"a\\"`],
  ['ends within a list', `[${WIDE}`],
  ['has a wide integer as a key', `{${WIDE}:1}`],
  ['goes on behind its end', `[${WIDE}] ${WIDE}`],
  ['has a leading zero', `[0${WIDE}]`],
])('says of a text that %s what JSON.parse says', (_, text) => {
  let said = '';
  try {
    JSON.parse(text);
  } catch (error) {
    said = (error as Error).message;
  }
  expect(said).not.toBe('');
  expect(() => parseExact(text)).toThrow(said);
});

it('is JSON.parse but for wide integers, whatever the JSON is', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const padded = `[${text},${WIDE}]`;
      expect(JSON.stringify(parseExact(padded))).toBe(JSON.stringify(JSON.parse(padded)));
    }),
  );
});

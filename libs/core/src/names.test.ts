import { describe, expect, it } from 'vitest';
import { formatVersion, parseVersion } from './names.ts';

describe('a version written as one text', () => {
  it('is read as it was written', () =>
    expect(parseVersion(formatVersion({ model: 'spam.de_2', version: 14 }))).toEqual({
      model: 'spam.de_2',
      version: 14,
    }));
  it.each(['', 'spam', ':1', 'spam:', 'spam:0', 'spam:1.5', 'spam:one', 'Spam:1', 'spam:1:2'])('is not %j', (text) =>
    expect(parseVersion(text)).toBeUndefined(),
  );
});

import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { keyWeakness } from './access.ts';

describe('an API key, whose digest is published', () => {
  it.each([
    'changeme-changeme-changeme',
    'slw_admin_adminadminadminadminadmin',
    'slw_operator_000000000000000000000000',
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA1',
    'abababababababababababab1212121212',
    'short-Key-1',
    '0123456789012345678901234',
    'PasswordPasswordPassword1',
    'Passw0rdPassw0rdPassw0rdPassw0rd',
    'slw_admin_abcdefghijklmnopqrstuvwxyz1',
    'ABCDEFGHIJKLMNOPQRSTUVWXyz',
    '0a1b2c3d4e5f6g7h8i9j0k1l2m',
    '12345678-1234-1234-1234-123456789abc',
  ])('%s is refused because it can be guessed', (key) => expect(keyWeakness(key)).toBeDefined());
  it('is accepted when it is random', () => {
    for (let i = 0; i < 500; i++) {
      expect(keyWeakness(`slw_operator_${randomBytes(18).toString('base64url')}`)).toBeUndefined();
      expect(keyWeakness(randomBytes(24).toString('hex'))).toBeUndefined();
    }
  });
});
